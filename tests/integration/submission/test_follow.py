"""Following a task group: what happens is told as it happens, and the exit status says how it ended."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sys
from pathlib import Path

import pytest
import slugid

from tests.integration.submission.conftest import PERSON, USUAL, Desk, eventually

GRAPH = {"build": ["unit tests"], "unit tests": ["package"]}
NOBODY = dict.fromkeys(("TASKCLUSTER_CLIENT_ID", "TASKCLUSTER_ACCESS_TOKEN"))


def states(out: str) -> list[tuple[str, str]]:
    """State and builder of each line."""
    return re.findall(r"^\d\d:\d\d:\d\dZ (\w+) +(build|unit tests|package|linux)", out, re.MULTILINE)


async def test_all_complete(desk: Desk) -> None:
    child = await desk.start("submit", "--graph", desk.graph(GRAPH), *USUAL)
    for builder in ("build", "unit tests", "package"):
        await desk.does(builder)
    done = await desk.end(child)
    assert (done.status, done.err) == (0, "")
    assert states(done.out) == [
        (state, builder) for builder in ("build", "unit tests", "package") for state in ("pending", "running", "completed")
    ]
    assert "on demo/w1" in done.out
    assert f"task group: {desk.double.root_url}/tasks/groups/" in done.out


async def test_one_fails_and_those_behind_it_are_told_to_be_stuck(desk: Desk) -> None:
    child = await desk.start("submit", "--graph", desk.graph(GRAPH), *USUAL)
    await desk.does("build", "reportFailed")
    done = await desk.end(child)
    assert (done.status, done.err) == (1, "")
    assert states(done.out) == [
        ("pending", "build"),
        ("running", "build"),
        ("failed", "build"),
        ("stuck", "unit tests"),
        ("stuck", "package"),
    ]
    build = desk.tasks()["build"].task_id
    log = f"{desk.double.root_url}/api/queue/v1/task/{build}/runs/0/artifacts/public/logs/live.log"
    assert f"log of build: {log}\n" in done.out
    assert "cannot run, since build did not complete" in done.out
    assert "cannot run, since unit tests is stuck" in done.out


async def test_an_exception_is_told_with_its_reason(desk: Desk) -> None:
    child = await desk.start("submit", "linux", *USUAL)
    await desk.does("linux", "reportException", {"reason": "malformed-payload"})
    done = await desk.end(child)
    assert done.status == 1
    assert "exception linux  malformed-payload: it cannot be built as it is defined; the log says why" in done.out


async def test_a_run_that_is_tried_again_is_followed_to_the_end(desk: Desk) -> None:
    child = await desk.start("submit", "linux", *USUAL, "--json")
    await desk.does("linux", "reportException", {"reason": "intermittent-task"})
    await desk.does("linux")
    done = await desk.end(child)
    assert done.status == 0, done.err
    (task,) = done.json["tasks"]
    assert (task["state"], task["runs"], done.json["succeeded"]) == ("completed", 2, True)
    assert task["log"].endswith("/runs/1/artifacts/public/logs/live.log")
    assert "pending   linux (run 1)  again (task-retry)" in done.err, "with JSON as the answer, events are told beside it"


async def test_only_ones_own_tasks_count_in_a_group_that_was_joined(desk: Desk) -> None:
    group = slugid.nice()
    assert (await desk.submit("other", "--task-group", group, "--no-follow")).status == 0
    child = await desk.start("submit", "linux", *USUAL, "--task-group", group)
    await desk.does("linux")
    done = await desk.end(child)
    assert done.status == 0
    assert "other" not in done.out


GOLDEN = Path(__file__).with_name("golden")


def still(text: str, desk: Desk) -> str:
    """Without what differs each time: times, ids, the double's address."""
    text = text.replace(desk.double.root_url, "https://tc.example.org")
    for name, task in desk.tasks().items():
        text = text.replace(task.task_id, f"<{name}>".ljust(22, "-"))
    text = re.sub(r"\b\d\d:\d\d:\d\dZ", "<time>", text)
    group = re.search(r"/tasks/groups/([A-Za-z0-9_-]{22})", text)
    text = text.replace(group[1], "<group>") if group else text
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.mark.parametrize("form", ["txt", "json"])
async def test_what_is_printed_is_what_it_was(desk: Desk, form: str) -> None:
    """One completes, one fails, one is stuck behind it. After a change that is meant: BRIDGE_GOLDEN=write."""
    graph = desk.graph({"build": [], "unit tests": ["package"]})
    created = await desk.submit("--graph", graph, "--no-follow", "--json")
    child = await desk.start(
        "follow", created.json["taskGroupId"], "--interval", "0.2", *(["--json"] if form == "json" else [])
    )
    await desk.does("build")
    await desk.does("unit tests", "reportFailed")
    done = await desk.end(child)
    assert done.status == 1
    printed, file = still(done.out, desk), GOLDEN / f"follow.{form}"
    if os.environ.get("BRIDGE_GOLDEN") == "write":
        file.write_text(printed)
    assert printed == file.read_text()


# --- Ctrl-C


async def interrupted(desk: Desk, *arguments: str) -> tuple[int | None, str]:
    child = await desk.start(*arguments)
    assert child.stdout is not None
    async with asyncio.timeout(30):
        while b"pending" not in await child.stdout.readline():
            pass
    child.send_signal(signal.SIGINT)
    done = await desk.end(child)
    return done.status, done.err


async def test_ctrl_c_leaves_the_tasks_and_says_how_to_go_on(desk: Desk) -> None:
    status, said = await interrupted(desk, "submit", "linux", *USUAL)
    group = desk.tasks()["linux"].group_id
    assert status == 130
    assert said.splitlines() == [
        "bbb: The tasks go on.",
        f"  to follow them again: bbb follow {group}",
        f"  to cancel them: {desk.double.root_url}/tasks/groups/{group}, or",
        f"    taskcluster group cancel {group}",
    ]
    assert desk.tasks()["linux"].state == "pending"
    again = await desk.start("follow", group, "--interval", "0.2", **NOBODY)
    await desk.does("linux")
    assert (await desk.end(again)).status == 0


async def test_ctrl_c_in_a_group_that_was_joined_names_ones_own_tasks(desk: Desk) -> None:
    status, said = await interrupted(desk, "submit", "linux", *USUAL, "--task-group", slugid.nice())
    assert status == 130
    assert f"    taskcluster task cancel {desk.tasks()['linux'].task_id}\n" in said
    assert "group cancel" not in said


async def test_credentials_that_expire_on_the_way_leave_the_tasks_and_say_how_to_go_on(desk: Desk) -> None:
    """A deadline may be days away; what `taskcluster signin` gives lasts a day."""
    child = await desk.start("submit", "linux", *USUAL)
    assert child.stdout is not None
    async with asyncio.timeout(30):
        while b"pending" not in await child.stdout.readline():
            pass
    desk.double.site.at.auth.clients.pop(PERSON)
    done = await desk.end(child)
    group = desk.tasks()["linux"].group_id
    assert done.status == 2
    assert "listTaskGroup: HTTP 401: " in done.err
    assert "Sign in again if the credentials have expired" in done.err
    assert f"The tasks go on.\n  to follow them again: bbb follow {group}\n" in done.err
    assert desk.tasks()["linux"].state == "pending"


# --- bbb follow


async def test_a_group_is_followed_by_anybody(desk: Desk) -> None:
    group = (await desk.submit("--graph", desk.graph(GRAPH), "--no-follow", "--json")).json["taskGroupId"]
    child = await desk.start("follow", group, "--interval", "0.2", **NOBODY)
    await desk.does("build", "reportFailed")
    done = await desk.end(child)
    assert done.status == 1
    assert states(done.out)[-2:] == [("stuck", "unit tests"), ("stuck", "package")]
    assert desk.double.journal.calls["queue.createTask"] == 3


async def test_a_group_that_is_over_is_told_at_once(desk: Desk) -> None:
    group = (await desk.submit("linux", "--no-follow", "--json")).json["taskGroupId"]
    await desk.does("linux")
    done = await desk.bbb("follow", group, "--json", **NOBODY)
    assert done.status == 0
    assert [(task["name"], task["state"]) for task in done.json["tasks"]] == [("linux", "completed")]


async def test_a_group_of_more_than_a_page(desk: Desk) -> None:
    graph = {"build": [f"test {number}" for number in range(1050)]}
    definitions = (await desk.submit("--graph", desk.graph(graph), "--dry-run")).json
    for task_id, definition in definitions.items():
        await desk.admin.createTask(task_id, definition)
    group = definition["taskGroupId"]
    await desk.does("build", "reportFailed")
    done = await desk.bbb("follow", group, "--json", **NOBODY)
    assert done.status == 1
    assert len(done.json["tasks"]) == 1051
    assert {task["state"] for task in done.json["tasks"]} == {"failed", "stuck"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("follow", "nonsense"), "TASK_GROUP: 'nonsense' is not a taskGroupId"),
        (("follow", "V4ZCcQxRTh6vOLwNVVqK2w"), "HTTP 404: "),
        (("follow",), "Missing argument"),
    ],
)
async def test_a_group_that_is_none_is_one_message(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    done = await desk.bbb(*arguments, **NOBODY)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


async def test_a_queue_that_is_away_for_a_while_is_asked_again(desk: Desk) -> None:
    desk.fault(api="queue.listTaskGroup", count=3)
    child = await desk.start("submit", "linux", *USUAL)
    await desk.does("linux")
    done = await desk.end(child)
    assert done.status == 0
    assert done.err.count("listTaskGroup: HTTP 500") == 3
    assert "asking again" in done.err


async def test_on_a_terminal_it_is_a_live_table(desk: Desk) -> None:
    """The same events pass by, and the table of what is open is drawn again and again."""
    above, below = pty.openpty()
    group = (await desk.submit("linux", "--no-follow", "--json")).json["taskGroupId"]
    environment = desk.environment({"TERM": "xterm-256color", "COLUMNS": "49", "LINES": "40"})
    command = ("-m", "bridge.cli", "follow", group, "--interval", "0.2")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=below,
        stdout=below,
        stderr=below,
        env=environment,
    )
    desk.running.append(child)
    os.close(below)
    shown = bytearray()
    asyncio.get_running_loop().add_reader(above, lambda: shown.extend(_read(above)))

    async def open_task_is_shown() -> bool:
        return shown.count(b"linux") >= 2 and "unscheduled" not in shown.decode()

    await eventually(open_task_is_shown, "the table")
    await desk.does("linux")
    async with asyncio.timeout(30):
        assert await child.wait() == 0
    asyncio.get_running_loop().remove_reader(above)
    os.close(above)
    text = shown.decode()
    assert "\x1b[" in text
    assert "completed" in text
    assert f"/tasks/groups/{group}" in text
    assert PERSON not in text
    assert f"\x1b\\{desk.tasks()['linux'].task_id}\x1b]8;;" in text, "a taskId is whole on a narrow terminal too"


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other side has closed it
        return b""
