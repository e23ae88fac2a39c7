"""A build is told with its steps and logs while it runs and when it is over, and its logs are read in pieces."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.errors import NotFound
from bridge.core.record import BuildRecord, LogKind, LogPiece, LogState
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]


def log_of(record: BuildRecord, step: str, name: str) -> LogState:
    (found,) = [log for each in record.steps if each.name == step for log in each.logs if log.name == name]
    return found


async def read(builds: BuildbotBuilds, build_id: int, log_id: int) -> str:
    text, line, complete = "", 0, False
    while not complete:
        piece = await builds.log_piece(build_id, log_id, line)
        assert piece.text.count("\n") == piece.next_line - line
        assert piece.complete or piece.text
        text, line, complete = text + piece.text, piece.next_line, piece.complete
    return text


async def test_a_finished_build_is_told_with_all_its_steps_logs_and_links(task: NewTask, builds: BuildbotBuilds) -> None:
    run, before = task(), datetime.now(UTC).timestamp() - 1
    await run.submit("talk")
    build = (await run.completed()).newest
    assert build is not None
    record = await builds.record(build.build_id)
    assert (record.build_id, record.number, record.builder, record.worker) == (
        build.build_id,
        build.number,
        "talk",
        build.worker,
    )
    assert (record.external_id, record.results, record.complete_at) == (run.key, build.results, build.complete_at)
    assert [step.number for step in record.steps] == list(range(len(record.steps)))
    (shell, talk) = record.steps[-2:]
    assert (shell.name, shell.results, shell.hidden, dict(shell.urls)) == ("shell", 0, False, {})
    assert (talk.name, talk.results, talk.hidden, dict(talk.urls)) == ("talk", 1, True, {"docs": "https://docs.example/"})
    assert shell.started_at is not None
    assert shell.complete_at is not None
    assert before <= shell.started_at.timestamp() <= shell.complete_at.timestamp()
    assert shell.state_string
    assert [(log.name, log.kind, log.complete) for log in shell.logs + talk.logs] == [
        ("stdio", LogKind.STDIO, True), ("notes", LogKind.TEXT, True), ("page", LogKind.HTML, True),
    ]  # fmt: skip

    notes, page = log_of(record, "talk", "notes"), log_of(record, "talk", "page")
    assert await read(builds, build.build_id, notes.log_id) == "one\ntwo, with é\n"
    assert await read(builds, build.build_id, page.log_id) == "<p>hello</p>\n"
    assert notes.lines == 2
    said = await read(builds, build.build_id, log_of(record, "shell", "stdio").log_id)
    assert {"out", "err", "no line feed"} <= set(said.splitlines()), "without the letters that Buildbot puts before lines"


async def test_a_log_is_followed_while_it_is_written(task: NewTask, builds: BuildbotBuilds, signs: Path) -> None:
    run = task()
    await run.submit("slow")
    build = (await run.building()).newest
    assert build is not None

    async def record() -> BuildRecord:
        return await builds.record(build.build_id)

    running = await until(record, lambda record: bool(record.steps[-1].logs))
    assert (running.results, running.complete_at, running.steps[-1].results) == (None, None, None)
    assert running.steps[-1].started_at is not None
    log_id, line, said = running.steps[-1].logs[0].log_id, 0, ""

    for number in range(3):
        while f"line {number}\n" not in said:
            piece = await builds.log_piece(build.build_id, log_id, line)
            assert not piece.complete
            said, line = said + piece.text, piece.next_line
            await asyncio.sleep(0.05)
        (signs / f"go-{number}").touch()
    state = await run.completed()
    assert state.results == 0
    rest = await builds.log_piece(build.build_id, log_id, line)
    assert rest.complete
    assert await read(builds, build.build_id, log_id) == said + rest.text


async def test_lines_that_are_written_while_they_are_read_come_once_and_in_order(
    task: NewTask, builds: BuildbotBuilds
) -> None:
    run = task()
    await run.submit("counts", last=200_000)
    build = (await until(run.state, lambda state: state.newest is not None)).newest
    assert build is not None

    async def record() -> BuildRecord:
        return await builds.record(build.build_id)

    running = await until(record, lambda record: bool(record.steps[-1].logs))
    log_id, line, complete, said = log_of(running, "counts", "stdio").log_id, 0, False, ""
    while not complete:
        piece = await builds.log_piece(build.build_id, log_id, line)
        assert piece.text.count("\n") == piece.next_line - line
        said, line, complete = said + piece.text, piece.next_line, piece.complete
    numbers = [int(each) for each in said.splitlines() if each.isdecimal()]
    assert numbers == list(range(200_001))
    # Buildbot joins the chunks of a finished log into larger ones, sooner or later: the lines stay what they are.
    assert await read(builds, build.build_id, log_id) == said


async def test_only_builds_of_the_bridge_and_their_own_logs_are_shown(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    mine, other = task(), task()
    await mine.submit("talk")
    await other.submit("talk")
    own, its = (await mine.completed()).newest, (await other.completed()).newest
    assert own is not None
    assert its is not None
    log_id = log_of(await builds.record(own.build_id), "shell", "stdio").log_id
    with pytest.raises(NotFound):
        await builds.log_piece(its.build_id, log_id, 0)

    _, requests = await master.control(f"builds/{own.build_id}", "rebuild")
    (rebuilt,) = requests.values()

    async def foreign() -> list[dict[str, int]]:
        return (await master.rest(f"builds?buildrequestid={rebuilt}&complete=1"))["builds"]

    (build,) = await until(foreign, bool)
    (step,) = [each for each in (await master.rest(f"builds/{build['buildid']}/steps"))["steps"] if each["name"] == "shell"]
    (log,) = (await master.rest(f"steps/{step['stepid']}/logs"))["logs"]
    with pytest.raises(NotFound):
        await builds.record(build["buildid"])
    with pytest.raises(NotFound):
        await builds.log_piece(build["buildid"], log["logid"], 0)
    with pytest.raises(NotFound):
        await builds.record(2**31 - 1)


async def test_a_log_that_was_thrown_away_or_never_closed_has_an_end(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    run = task()
    await run.submit("talk")
    build = (await run.completed()).newest
    assert build is not None
    record = await builds.record(build.build_id)
    stdio, notes = log_of(record, "shell", "stdio"), log_of(record, "talk", "notes")
    database = sqlite3.connect(master.directory / "master" / "state.sqlite", timeout=30)
    with database:
        # As Buildbot's janitor does, and as a step does that is over before its log is.
        database.execute("UPDATE logs SET type = 'd' WHERE id = ?", (stdio.log_id,))
        database.execute("DELETE FROM logchunks WHERE logid = ?", (stdio.log_id,))
        database.execute("UPDATE logs SET complete = 0 WHERE id = ?", (notes.log_id,))
    database.close()
    assert log_of(await builds.record(build.build_id), "shell", "stdio") == LogState(
        stdio.log_id, "stdio", LogKind.TEXT, 0, complete=True
    )
    assert await builds.log_piece(build.build_id, stdio.log_id, 0) == LogPiece("", 0, complete=True)
    assert await builds.log_piece(build.build_id, notes.log_id, 0) == LogPiece("one\ntwo, with é\n", 2, complete=True)
