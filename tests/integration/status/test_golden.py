"""What `bbb` prints about runs, letter by letter, for people and as JSON.

Files in `golden` are what is expected; after a change that is meant: BRIDGE_GOLDEN=write, and read what git shows of it.
"""

import asyncio
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.core.run import Wanted
from bridge.core.steering import Stop, StopKind
from bridge.store.runs import Runs
from bridge.store.steering import Intent, Operators
from tests.integration.status.serving import settings
from tests.integration.status.test_api import everything
from tests.integration.store.rows import FAR, TASK, wanted
from tests.sandbox.stack import toml

GOLDEN = Path(__file__).with_name("golden")
COMMANDS = {
    "status": ["status"],
    "runs": ["runs", "--unsettled"],
    "show": ["show", TASK, "3"],
    "trace": ["trace", "D" * 22],
    "stuck": ["stuck", "--limit", "1"],
    "orders": ["orders"],
    "deadletters": ["deadletter", "list"],
}
# When each run was made and changed is the database's time; so is what is told as so many seconds ago.
STILL = """
UPDATE runs SET created_at = '2026-03-01 12:00:00+00'::timestamptz + run_id * interval '1 minute',
                updated_at = '2026-03-01 13:00:00+00';
UPDATE transitions SET at = '2026-03-01 12:00:00+00'::timestamptz + id * interval '1 second';
UPDATE replicas SET started_at = '2026-03-01 12:00:00+00', seen_at = '2026-03-01 12:30:00+00';
UPDATE dead_letters SET at = '2026-03-01 12:00:00+00';
UPDATE stops SET at = '2026-03-01 12:00:00+00';
UPDATE audit SET at = '2026-03-01 12:00:00+00'
"""
MOVING = [
    (r"[-0-9.]+ s late", "<n> s late"),
    (r"to expire: in [-0-9]+ s", "to expire: in <n> s"),
    (r'("oldest_due_age_seconds"|"claim_margin_seconds"): [-0-9.]+', r"\1: <n>"),
]


@pytest.fixture
async def config(store: Runs, postgres_dsn: str, tmp_path: Path) -> Path:
    """Settings, and a database with a run in each phase, one that waits for room, an order, an act, a message."""
    await everything(store)
    waits = replace(wanted(0, "D" * 22, due=FAR), phase=Wanted("builder 'x' has 9 pending requests"), builder="x")
    await store.add(waits, "the run is pending in Taskcluster")
    operators = Operators(store.database)
    await operators.give(Stop(StopKind.PAUSED, "linux", "x*", "alice", "new compilers"))
    number = await operators.begin(Intent("alice", "paused", "builder x* of pool linux", "new compilers"), ["x"], 0)
    assert isinstance(number, int)
    await operators.ended(number, "given")
    for statement in STILL.split(";"):
        await store.database.fetch(statement)
    path = tmp_path / "bridge.toml"
    path.write_text(toml(settings(postgres_dsn, {"live_timeout": 20})))
    return path


async def said(config: Path, *arguments: str) -> str:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.cli", *arguments, "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    assert (child.returncode, err.decode()) == (0, "")
    text = "\n".join(line.rstrip() for line in out.decode().splitlines()) + "\n"
    for pattern, still in MOVING:
        text = re.sub(pattern, still, text)
    return text


@pytest.mark.parametrize("name", COMMANDS)
async def test_what_is_printed_is_what_it_was(config: Path, name: str) -> None:
    words, data = await asyncio.gather(said(config, *COMMANDS[name]), said(config, *COMMANDS[name], "--json"))
    for form, printed in (("txt", words), ("json", data)):
        file = GOLDEN / f"{name}.{form}"
        if os.environ.get("BRIDGE_GOLDEN") == "write":
            file.write_text(printed)
        assert printed == file.read_text()
