"""Large logs, large files and many files pass through a master without filling its memory."""

import asyncio
import contextlib
import random
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

from bridge.buildbot.builds import BuildbotBuilds
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.integration.buildbot.shows.giving import body, gave, memory, step
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]
MIB = 1 << 20
PIECE = 512 << 10


def fill(master: BuildbotSandbox, log_id: int, size: int, *, rows: int = 1000) -> int:
    """Put lines into a log as Buildbot stores them when a log is finished: a thousand in each row, compressed.

    Returns how many lines there are in all; `size` is about the bytes of the text.
    """
    chance = random.Random(1)
    chunk = "\n".join(f"o{number:6d} {chance.randbytes(46).hex()}" for number in range(rows)).encode()
    packed, many = zlib.compress(chunk), max(1, size // len(chunk))
    database = sqlite3.connect(master.directory / "master" / "state.sqlite", timeout=30)
    with database:
        (first,) = database.execute("SELECT num_lines FROM logs WHERE id = ?", (log_id,)).fetchone()
        values = ((log_id, first + rows * each, first + rows * (each + 1) - 1, packed, 1) for each in range(many))
        database.executemany("INSERT INTO logchunks VALUES (?, ?, ?, ?, ?)", values)
        database.execute("UPDATE logs SET num_lines = ? WHERE id = ?", (first + rows * many, log_id))
    database.close()
    return first + rows * many


async def read(builds: BuildbotBuilds, build_id: int, log_id: int, first: int) -> tuple[int, int]:
    """Read a log from a line to its end without keeping it; how many lines and bytes came."""
    line, size, complete = first, 0, False
    while not complete:
        piece = await builds.log_piece(build_id, log_id, line)
        assert piece.text.count("\n") == piece.next_line - line
        assert len(piece.text) <= PIECE
        size, line, complete = size + len(piece.text), piece.next_line, piece.complete
    return line - first, size


async def test_a_large_log_is_read_in_bounded_pieces(task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox) -> None:
    run = task()
    await run.submit("talk")
    build = (await run.completed()).newest
    assert build is not None
    (log,) = [log for each in (await builds.record(build.build_id)).steps if each.name == "shell" for log in each.logs]
    lines = fill(master, log.log_id, 48 * MIB)
    before = memory(master)
    came, size = await read(builds, build.build_id, log.log_id, log.lines)
    assert (came, size) == (lines - log.lines, 100 * (lines - log.lines))
    assert memory(master) - before < 16 * MIB


async def test_a_line_longer_than_a_piece_comes_whole(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    run = task()
    await run.submit("talk")
    build = (await run.completed()).newest
    assert build is not None
    record = await builds.record(build.build_id)
    (log,) = [log for each in record.steps if each.name == "shell" for log in each.logs]
    chunk = b"o" + b"x" * (2 * MIB) + b"\no" + b"y" * 10
    database = sqlite3.connect(master.directory / "master" / "state.sqlite", timeout=30)
    with database:
        row = (log.log_id, log.lines, log.lines + 1, zlib.compress(chunk), 1)
        database.execute("INSERT INTO logchunks VALUES (?, ?, ?, ?, ?)", row)
    database.close()
    long = await builds.log_piece(build.build_id, log.log_id, log.lines)
    assert (long.text, long.next_line, long.complete) == ("x" * (2 * MIB) + "\n", log.lines + 1, False)
    last = await builds.log_piece(build.build_id, log.log_id, long.next_line)
    assert (last.text, last.complete) == ("y" * 10 + "\n", True)


async def test_a_large_file_goes_through_without_filling_the_memory_and_waits_for_its_reader(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    # Not of zeros alone: the bytes must come in their order.
    script = "head -c 64M /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null > large || seq 1 9000000 > large"
    before = memory(master)
    build = await gave(task(), script=script, source="large")
    (output,) = await builds.outputs(build.build_id)
    assert output.size >= 64_000_000
    async with builds.output(build.build_id, output.number) as chunks:
        first = await anext(chunks)
        # Meanwhile the master has others to serve, and holds no more of the file than what is on its way.
        assert (await builds.record(build.build_id)).build_id == build.build_id
        size = len(first) + sum([len(chunk) async for chunk in chunks])
    assert size == output.size
    assert len(await body(builds, build, output)) == output.size
    assert memory(master) - before < 24 * MIB
    await builds.release(build.build_id)


def held_open(master: BuildbotSandbox) -> int:
    """How many files of its spool the master has open."""
    assert master._master is not None
    found = 0
    for each in Path(f"/proc/{master._master.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found += "taskcluster-spool" in str(each.readlink())
    return found


async def test_slow_readers_of_files_take_no_turns_but_each_others_and_leave_no_file_open(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    build = await gave(task(), script="truncate -s 64M large", source="large")
    (output,) = await builds.outputs(build.build_id)
    async with contextlib.AsyncExitStack() as slow:
        for _ in range(4):
            await anext(await slow.enter_async_context(builds.output(build.build_id, output.number)))
        # They do not read on, and all turns for files are theirs.
        assert held_open(master) == 4
        fifth = asyncio.ensure_future(body(builds, build, output))
        assert await builds.outputs(build.build_id) == (output,)
        record = await builds.record(build.build_id)
        (log,) = [log for each in record.steps if each.name == "give" for log in each.logs]
        assert (await builds.log_piece(build.build_id, log.log_id, 0)).complete
        assert not fifth.done()
    assert len(await fifth) == output.size

    async def left_open() -> int:
        return held_open(master)

    assert await until(left_open, lambda count: count == 0) == 0
    await builds.release(build.build_id)


async def test_two_thousand_small_files_are_given_in_a_sensible_time(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    script = "mkdir many; i=0; while [ $i -lt 2000 ]; do echo $i > many/$i.txt; i=$((i+1)); done"
    build = await gave(task(), script=script, source="many")
    given, said = await step(builds, build)
    assert given.results == 0, said
    outputs = await builds.outputs(build.build_id)
    assert {each.name for each in outputs} == {f"public/build/many/{number}.txt" for number in range(2000)}
    some = random.Random(2).sample(outputs, 20)
    assert [await body(builds, build, each) for each in some] == [f"{each.name[18:-4]}\n".encode() for each in some]
    assert given.started_at is not None
    assert given.complete_at is not None
    assert (given.complete_at - given.started_at).total_seconds() < 120
