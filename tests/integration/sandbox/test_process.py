"""What the sandboxes start ends with them, whatever happens to whoever started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox import process

ROOT = Path(__file__).parents[3]
STARTS_AND_TELLS = """
import asyncio, signal
from pathlib import Path
from tests.sandbox import process
from tests.sandbox.postgres import PrivatePostgres
from tests.sandbox.rabbitmq import PrivateRabbit

async def main(directory):
    async with PrivatePostgres(directory / "postgres") as database, PrivateRabbit(directory / "rabbitmq") as broker:
        print(database.pid, broker.pid, broker._epmd.pid, *process.descendants(database.pid), flush=True)
        await asyncio.Event().wait()

# Whoever starts this in the background has it ignore Ctrl-C, and so would this program and all tests in it.
signal.signal(signal.SIGINT, signal.default_int_handler)
with process.scratch("parent") as directory:
    asyncio.run(main(directory))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
async def test_the_servers_end_with_the_process_that_started_them(end: signal.Signals) -> None:
    with process.scratch("parent") as directory:
        environment = os.environ | {"TMPDIR": str(directory)}
        await started_and_ended([sys.executable, "-c", STARTS_AND_TELLS], environment, end)


async def started_and_ended(command: list[str], environment: Mapping[str, str], end: signal.Signals) -> None:
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as starter:
        assert starter.stdout
        family = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(family) > 4
        assert all(process.running(pid) for pid in family)
        starter.send_signal(end)
        assert await process.became_true(lambda: not any(process.running(pid) for pid in family), 30)


async def test_killing_a_child_kills_what_it_started(tmp_path: Path) -> None:
    child = process.Child(["sh", "-c", "sleep 600 & sleep 600"], env=os.environ, log=tmp_path / "log", account=None)
    assert await process.became_true(lambda: len(process.descendants(child.pid)) == 2, 10)
    family = (child.pid, *process.descendants(child.pid))
    await child.kill()
    assert not any(process.running(pid) for pid in family)


async def test_a_child_has_a_process_group_of_its_own(tmp_path: Path) -> None:
    child = process.Child(["sleep", "600"], env=os.environ, log=tmp_path / "log", account=None)
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    await child.kill()


def test_a_free_port_lies_below_the_range_of_outgoing_connections() -> None:
    lowest = int(process.EPHEMERAL.read_text().split()[0])
    assert all(process.free_port() < lowest for _ in range(20))


def test_a_scratch_directory_lets_other_accounts_through_and_is_removed() -> None:
    with process.scratch("mode") as directory:
        assert directory.stat().st_mode & 0o777 == 0o711
    assert not directory.exists()
