"""The command `bbb` as people and programs meet it."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.core.run import (
    BuildId,
    Building,
    Facts,
    Phase,
    Queued,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    TaskId,
    Wanted,
    Worker,
)
from bridge.core.verdict import Resolution, Verdict
from bridge.settings import load
from bridge.store import database
from bridge.store.replicas import Replica
from bridge.store.runs import Runs
from tests.sandbox.process import free_port
from tests.sandbox.stack import toml

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "bridge" / "scenario" / "library"
TASK = TaskId("AbCdEfGhIjKlMnOpQrStUv")
AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    status: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Command:
    config: Path

    async def __call__(self, *arguments: str, config: Path | None = None) -> Done:
        """Run `bbb` to its end; no answer may be a traceback or hold a secret."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BBB_")}
        env = {**kept, "PYTHONPATH": str(ROOT), "BBB_CONFIG": str(config or self.config)}
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.cli", *arguments, stdout=pipe, stderr=pipe, env=env
        )
        async with asyncio.timeout(60):
            out, err = await child.communicate()
        done = Done(child.returncode, out.decode(), err.decode())
        assert "Traceback" not in done.out + done.err, done.err
        assert "canary" not in done.out + done.err
        return done


def settings(dsn: str) -> dict[str, Any]:
    return {
        "worker_group": "buildbot",
        "taskcluster": {"root_url": "http://127.0.0.1:9", "client_id": "c", "access_token": "canary-token"},
        "pulse": {"enabled": False},
        "database": {"dsn": dsn},
        "web": {"port": 0},
        "buildbots": {"main": {"url": "http://127.0.0.1:9", "token": "canary-bearer"}},
        "pools": {"linux": {"task_queue": "proj/linux", "buildbot": "main", "builders": ["*"]}},
    }


@pytest.fixture
def bbb(tmp_path: Path, postgres_dsn: str) -> Command:
    path = tmp_path / "bridge.toml"
    path.write_text(toml(settings(postgres_dsn)))
    return Command(path)


@pytest.fixture
async def _rows(bbb: Command, postgres_dsn: str) -> None:
    """Two runs of a task, and a replica."""
    async with database.opened(postgres_dsn) as opened:
        runs = Runs(opened, "a-test", ("linux",))
        await runs.add(
            Run(RunKey(TASK, RunId(0)), "linux", Wanted(f"PUT runs/{TASK}/0: HTTP [503]"), AT, AT),
            "the run is pending in Taskcluster",
        )
        await runs.add(Run(RunKey(TASK, RunId(1)), "linux", Queued(Request(RequestId(7), RunId(1))), AT, AT), "found")
        await Replica("reflector-1", "reflector", "0.1.0", load(bbb.config).deployment()).register(opened)


async def test_it_says_its_version_and_helps(bbb: Command) -> None:
    assert (await bbb("--version")).out.startswith("bbb 0.")
    said = (await bbb("--help")).out
    services = ("taskcluster-listener", "buildbot-listener", "reflector", "all", "web")
    for command in (*services, "migrate", "doctor", "status", "show", "runs", "stuck", "trace"):
        assert command in said


async def test_migrate_makes_the_tables_once(tmp_path: Path, bbb: Command, empty_dsn: str) -> None:
    path = tmp_path / "empty.toml"
    path.write_text(toml(settings(empty_dsn)))
    before = await bbb("status", config=path)
    assert (before.status, before.err) == (2, "bbb: the database has no tables of this bridge. Run: bbb migrate\n")
    first, second = await bbb("migrate", "--json", config=path), await bbb("migrate", config=path)
    assert first.json["applied"][0] == "0001_runs.sql"
    assert (second.status, second.out) == (0, "nothing to do: the database is up to date\n")
    assert (await bbb("status", "--json", config=path)).json == {
        "runs": [],
        "oldest_due_age_seconds": None,
        "claim_margin_seconds": None,
        "held_back": [],
        "unserved": [],
        "replicas": [],
    }


@pytest.mark.usefixtures("_rows")
async def test_status_counts_and_shows_who_serves(bbb: Command) -> None:
    said = (await bbb("status", "--json")).json
    assert said["runs"] == [
        {"pool": "linux", "phase": "queued", "runs": 1},
        {"pool": "linux", "phase": "wanted", "runs": 1},
    ]
    assert said["oldest_due_age_seconds"] > 3600
    assert [replica["name"] for replica in said["replicas"]] == ["reflector-1"]
    assert said["held_back"] == [{"pool": "linux", "why": "PUT runs/<run>: HTTP [503]", "runs": 1}]
    words = (await bbb("status")).out
    assert "held back: 1 of linux: PUT runs/<run>: HTTP [503]" in words
    assert "queued" in words
    assert "reflector-1" in words


@pytest.mark.usefixtures("_rows")
async def test_status_tells_of_runs_that_nobody_serves(bbb: Command, postgres_dsn: str) -> None:
    """Their pool was dropped from all settings."""
    async with database.opened(postgres_dsn) as opened:
        run = Run(RunKey(TASK, RunId(2)), "dropped", Wanted(), AT, AT)
        await Runs(opened, "a-test", ("dropped",)).add(run, "pending")
    assert (await bbb("status", "--json")).json["unserved"] == [{"pool": "dropped", "runs": 1}]
    assert "nobody serves pool dropped, which has 1 unsettled: put it back" in (await bbb("status")).out


@pytest.mark.usefixtures("_rows")
async def test_show_tells_the_rows_of_a_task_and_how_they_came_there(bbb: Command) -> None:
    both = (await bbb("show", TASK, "--json")).json
    assert [(row["run_id"], row["phase"], row["transitions"][0]["because"]) for row in both] == [
        (0, "wanted", "the run is pending in Taskcluster"),
        (1, "queued", "found"),
    ]
    assert both[1]["request"] == {"id": 7, "created_for": 1}
    assert (await bbb("show", TASK, "1", "--json")).json == [both[1]]
    assert (await bbb("show", f"{TASK}/1", "--json")).json == [both[1]]
    words = (await bbb("show", TASK)).out
    assert "a-test" in words
    assert "· → wanted" in words


@pytest.mark.usefixtures("_rows")
async def test_runs_lists_what_is_asked_for(bbb: Command) -> None:
    said = (await bbb("runs", "--json")).json
    assert [(run["runId"], run["phase"]) for run in said["runs"]] == [(1, "queued"), (0, "wanted")]
    for arguments, expected in (
        (("--phase", "wanted", "--phase", "settled"), [0]),
        (("--request", "7", "--unsettled"), [1]),
        (("--settled",), []),
        (("--pool", "windows"), []),
        (("--task", TASK, "--max-age", "3600", "--stuck"), [1, 0]),
        (("--min-age", "3600"), []),
    ):
        assert [run["runId"] for run in (await bbb("runs", *arguments, "--json")).json["runs"]] == expected, arguments
    words = (await bbb("runs", "--limit", "1")).out
    assert f"{TASK}/1" in words
    assert f"{TASK}/0" not in words
    token = words.partition("--token ")[2].split()[0]
    assert [run["runId"] for run in (await bbb("runs", "--token", token, "--json")).json["runs"]] == [0]


@pytest.mark.usefixtures("_rows")
async def test_stuck_says_what_to_do(bbb: Command) -> None:
    said = {each["run"]["runId"]: each["findings"] for each in (await bbb("stuck", "--json")).json["stuck"]}
    assert [finding["cause"] for finding in said[0]] == ["nobody_acts"]
    words = (await bbb("stuck")).out
    assert "Something has been due" in words
    assert "bbb status" in words


async def test_hostile_texts_neither_act_on_the_terminal_nor_break_a_table(bbb: Command, postgres_dsn: str) -> None:
    hostile = "\x1b]0;owned\x07 [bold]not bold[/] \r\n<script> \u2028"
    async with database.opened(postgres_dsn) as opened:
        run = Run(RunKey(TASK, RunId(0)), "linux", Wanted(hostile), AT, AT, builder=hostile)
        await Runs(opened, "a-test", ("linux",)).add(run, hostile)
    for arguments in (("runs",), ("stuck",), ("trace", TASK), ("show", TASK), ("status",)):
        done = await bbb(*arguments)
        assert done.status == 0, done.err
        assert not {"\x1b", "\x07", "\r", "\u2028"} & set(done.out), arguments
    assert "[bold]not bold[/]" in (await bbb("trace", TASK)).out
    assert (await bbb("runs", "--json")).json["runs"][0]["held"] == hostile


async def test_nothing_is_stuck_where_nothing_is(bbb: Command) -> None:
    assert (await bbb("stuck")).out == "nothing is stuck\n"


@pytest.mark.usefixtures("_rows")
async def test_trace_tells_what_is_known_though_both_sides_are_away(bbb: Command) -> None:
    said = (await bbb("trace", TASK, "--json")).json
    assert [(each["side"], each["runId"], each["what"]) for each in said["happenings"]] == [
        ("bridge", 0, "· → wanted: the run is pending in Taskcluster [a-test]"),
        ("bridge", 1, "· → queued: found [a-test]"),
    ]
    assert [error.partition(":")[0] for error in said["errors"]] == ["Taskcluster", "Buildbot main", "Buildbot main"]
    assert "not read: Taskcluster" in (await bbb("trace", f"{TASK}/0")).out


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nonsense"), "'nonsense' is not a taskId"),
        (("show", "B" * 22), f"no row for {'B' * 22}"),
        (("show", TASK, "9"), f"no row for {TASK}/9"),
        (("show",), "Missing argument"),
        (("trace", "nonsense"), "'nonsense' is not a taskId"),
        (("trace", "B" * 22), f"the bridge has no row for {'B' * 22}"),
        (("runs", "--phase", "nonsense"), "phase: Input should be 'wanted'"),
        (("runs", "--token", "abc"), "the continuationToken is none of this list's"),
        (("stuck", "--limit", "0"), "limit: Input should be greater than or equal to 1"),
        (("sow",), "No such command"),
    ],
)
async def test_what_a_person_did_wrong_is_one_message(bbb: Command, arguments: tuple[str, ...], said: str) -> None:
    done = await bbb(*arguments)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("command", ["status", "migrate", "doctor", "reflector", "all", "scopes"])
async def test_wrong_settings_stop_every_command(tmp_path: Path, bbb: Command, command: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(toml({**settings("canary-no-dsn"), "worker_grup": "x"}))
    done = await bbb(command, config=path)
    said = done.out + done.err
    assert "database.dsn: must have the form postgresql://" in said
    assert "Did you mean worker_group?" in said
    assert done.status == (1 if command == "doctor" else 2)


@pytest.mark.parametrize("command", ["status", "migrate", "runs", "stuck"])
async def test_a_database_that_does_not_answer_is_one_message(tmp_path: Path, bbb: Command, command: str) -> None:
    path = tmp_path / "away.toml"
    path.write_text(toml(settings(f"postgresql://bridge:canary-db@127.0.0.1:{free_port()}/bridge")))
    done = await bbb(command, config=path)
    assert done.status == 2
    assert done.err.startswith("bbb: PostgreSQL: ")


async def test_the_doctor_fails_when_something_is_wrong(bbb: Command) -> None:
    done = await bbb("doctor", "--json")
    assert done.status == 1
    assert done.json["ok"] is False
    failures = {each["subject"] for each in done.json["findings"] if each["level"] == "failure"}
    assert failures == {"taskcluster", "buildbot main"}
    table = await bbb("doctor")
    assert "Check taskcluster.root_url" in table.out
    assert table.err == ""


async def test_the_settings_can_be_looked_at(bbb: Command) -> None:
    assert (await bbb("config", "check", "--json")).json["usable"] is True
    shown = (await bbb("config", "show", "--json")).json
    assert shown["taskcluster"]["access_token"] == "[secret]"
    assert shown["reflector"]["interval"] == 60


async def test_schema_and_scopes_are_for_other_programs(bbb: Command) -> None:
    assert "buildername" in (await bbb("schema")).json["properties"]
    said = [each["scope"] for each in (await bbb("scopes", "--json")).json]
    assert "queue:claim-task:proj/linux" in said
    words = (await bbb("scopes")).out
    assert all(scope in words for scope in said)


async def test_the_status_does_not_start_where_it_cannot_be_served(tmp_path: Path, bbb: Command, postgres_dsn: str) -> None:
    async with await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        path = tmp_path / "taken.toml"
        path.write_text(toml({**settings(postgres_dsn), "status": {"port": port}}))
        done = await bbb("web", config=path)
    assert done.status == 1
    assert f"status.host, status.port: cannot listen on 127.0.0.1:{port}" in done.err
    path.write_text(toml({**settings(postgres_dsn), "status": {"host": "0.0.0.0"}}))
    refused = await bbb("web", config=path)
    assert (refused.status, "status.host: 0.0.0.0 can be reached from elsewhere" in refused.err) == (2, True)


async def test_replay_needs_no_settings_and_says_whether_it_went_as_expected(bbb: Command, tmp_path: Path) -> None:
    nowhere = tmp_path / "missing.toml"
    good = await bbb("replay", "T-07", config=nowhere)
    assert (good.status, good.err) == (0, "")
    assert "queued → stopping" in good.out
    path = tmp_path / "wrong.yml"
    path.write_text((LIBRARY / "T-07.yml").read_text().replace("ends: canceled", "ends: failed"))
    wrong = await bbb("replay", str(path), config=nowhere)
    assert (wrong.status, wrong.err) == (1, "")
    assert "run 0: expected to end as failed, it is canceled" in wrong.out
    assert (await bbb("replay", str(path), "--json", config=nowhere)).json[0]["good"] is False
    path.write_text("scenario: 1\n")
    bad = await bbb("replay", str(path), config=nowhere)
    assert (bad.status, bad.out) == (2, "")
    assert bad.err.startswith(f"bbb: The scenario {path} cannot be played:\n- line 1: `title` is missing.")
    assert (await bbb("replay", "nothing-like-it", config=nowhere)).status == 2
    assert (await bbb("replay", config=nowhere)).status == 2


async def test_the_scenarios_that_ship_are_listed_and_their_format_is_published(bbb: Command) -> None:
    listed = (await bbb("replay", "--list", "--json")).json
    assert {each["name"] for each in listed} == {path.stem for path in LIBRARY.glob("*.yml")}
    assert (await bbb("replay", "--schema")).json["properties"]["steps"]["minItems"] == 1


@pytest.fixture
async def _built(postgres_dsn: str) -> None:
    """A task whose run was built, as this version stores it, and what must not come out."""
    worker, request = Worker("buildbot", "w1"), Request(RequestId(7), RunId(0))
    now = datetime.now(UTC)
    facts = Facts("G" * 22, "canary-scheduler", "none", "low", now, now + timedelta(hours=1), now + timedelta(days=9))
    pending = Run(RunKey(TASK, RunId(0)), "linux", Wanted("canary-held"), AT, AT, facts, "docs")
    build = {"id": 3, "worker": "w1", "results": None}
    state = {"event": "request", "request": 7, "complete": False, "results": None, "shutdown": False}
    lives: list[tuple[Phase, str, list[dict[str, Any]]]] = [
        (Queued(request), "submitted", [{"event": "submitted", "request": 7, "builder": "docs"}]),
        (Building(request, BuildId(3), worker), "started", [{**state, "builds": [build]}]),
        (
            Reporting(request, BuildId(3), worker, Verdict(Resolution.FAILED, "it failed", 2), AT),
            "ended",
            [{**state, "complete": True, "results": 2, "builds": [{**build, "results": 2}]}],
        ),
        (
            Settled("failed", request, BuildId(3)),
            "told",
            [{"event": "task", "runs": [{"state": "failed", "reason": "failed"}]}],
        ),
    ]
    async with database.opened(postgres_dsn) as opened:
        runs = Runs(opened, "canary-process", ("linux",))
        await runs.insert([pending])
        for phase, why, cause in lives:
            row = {RunId(0): replace(pending, phase=phase)}
            await runs.change(TASK, lambda _, row=row: row, because=why, cause=cause)  # type: ignore[misc]


@pytest.mark.usefixtures("_built")
async def test_what_is_recorded_can_be_replayed_and_holds_no_secret(bbb: Command, tmp_path: Path) -> None:
    recorded = await bbb("record", TASK)
    assert (recorded.status, recorded.err) == (0, "")
    path = tmp_path / "incident.yml"
    path.write_text(recorded.out)
    played = await bbb("replay", str(path), "--json")
    assert played.status == 0
    seen = played.json[0]["tasks"]["build"]["runs"]["0"]
    assert seen["phases"] == ["wanted", "queued", "building", "reporting", "settled"]
    assert seen["reason"] == "failed"
    assert (await bbb("record", TASK, "0", "--json")).json["tasks"]["build"]["builder"] == "docs"
    assert f"no row for {TASK}/4" in (await bbb("record", TASK, "4")).err


@pytest.mark.usefixtures("_rows")
async def test_what_a_recording_lacks_is_said_in_it_and_beside_it(bbb: Command) -> None:
    """Rows without causes, as an older version stored them."""
    recorded = await bbb("record", TASK)
    assert recorded.status == 0
    assert "Run 0 was not over when this was recorded." in recorded.out
    assert "bbb: Run 0 was not over when this was recorded." in recorded.err


async def test_a_port_that_is_taken_is_one_message(tmp_path: Path, bbb: Command, postgres_dsn: str) -> None:
    async with await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        path = tmp_path / "taken.toml"
        pools = {"linux": {"task_queue": "proj/linux", "buildbot": "main"}}
        path.write_text(toml({**settings(postgres_dsn), "web": {"ports": {"reflector": port}}, "pools": pools}))
        done = await bbb("reflector", config=path)
    assert done.status == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.err
    assert "pools.linux.builders is empty, so every task is refused" in done.err, "advice is logged at the start"
