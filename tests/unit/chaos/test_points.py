"""A process ends exactly at the point it was told, with the effect not begun or wholly done, and only while arms count."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.points import Points, _request, _Statements

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.chaos.points import Points

here, when, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
points = Points(here / "seen", here / "switch", ("effect", when, count))
points.open()

async def effect():
    with (here / "done").open("a") as done:
        done.write("x")

async def main():
    call = points.around(effect, lambda: "effect")
    for _ in range(4):
        await call()

asyncio.run(main())
"""


@pytest.mark.parametrize(("when", "count", "done"), [("before", 0, 0), ("after", 0, 1), ("before", 2, 2), ("after", 2, 3)])
def test_a_process_dies_at_its_point(tmp_path: Path, when: str, count: int, done: int) -> None:
    assert _end(tmp_path, when, count, armed=True) == -signal.SIGKILL
    assert len((tmp_path / "done").read_text() if done else "") == done
    assert '["hit", "effect", ' in (tmp_path / "seen").read_text()


def test_a_process_lives_while_arms_do_not_count(tmp_path: Path) -> None:
    assert _end(tmp_path, "before", 0, armed=False) == 0
    assert (tmp_path / "done").read_text() == "xxxx"
    assert "hit" not in (tmp_path / "seen").read_text()


def _end(directory: Path, when: str, count: int, *, armed: bool) -> int:
    (directory / "switch").write_bytes(b"\1" if armed else b"\0")
    command = [sys.executable, "-c", CHILD, str(directory), when, str(count)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(command, env=env, check=False, timeout=60).returncode


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("POST", "http://h:1/api/queue/v1/task/AAAAAAAAQgCAAAAAAAAAAA/runs/12/claim", "POST queue/v1/task/T/runs/N/claim"),
        ("PUT", "http://h:1/plugins/taskcluster/v1/runs/AAAAAAAAQgCAAAAAAAAAAA/0", "PUT taskcluster/v1/runs/T/N"),
        ("PUT", "http://h:1/artifact-store/AAAAAAAAQgCAAAAAAAAAAA/0/public/x?sig=1", "PUT artifact-store/…"),
        ("POST", "http://h:1/plugins/taskcluster/v1/states", None),
        ("POST", "http://h:1/api/queue/v1/tasks/status", None),
        ("GET", "http://h:1/api/queue/v1/task/AAAAAAAAQgCAAAAAAAAAAA", None),
    ],
)
def test_requests_that_change_something_are_points(method: str, url: str, name: str | None) -> None:
    assert _request(None, method, url) == name


def test_every_statement_that_changes_something_is_a_point() -> None:
    from bridge.store.queries import names, query

    statements = _Statements()
    written = {name for name in names() if name != "save" and statements(None, query(name))}
    reads = {
        "census",
        "counts",
        "held",
        "history",
        "margins",
        "now",
        "task_rows",
        "task_rows_read",
        "unsettled",
        "of_requests",
    }
    assert {
        "insert",
        "lease",
        "release",
        "due",
        "abandon",
        "retire",
        "replica_seen",
        "replica_gone",
        "dead_letter",
    } <= written
    assert not written & reads
    moved = '[{"from_phase": "queued", "to_phase": "building"}]'
    assert statements(None, query("save"), "[]", moved) == "SQL save queued→building"
    assert statements(None, "COMMIT;") == "SQL commit"
    assert statements(None, "BEGIN;") is None


def test_what_was_seen_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "switch").write_bytes(b"\0")
    points = Points(tmp_path / "seen", tmp_path / "switch", None)
    points.open()
    for _ in range(3):
        points.passing("effect", "before")
    assert (tmp_path / "seen").read_text() == '["seen", "effect", "before"]\n'
