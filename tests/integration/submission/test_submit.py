"""`bbb submit` creates tasks with a person's own credentials: all of them, each once, or it says how far it came."""

from __future__ import annotations

import json
import re
import signal

import pytest
import slugid

from tests.integration.submission.conftest import ENOUGH, PERSON, QUEUE, USUAL, Desk, eventually

GRAPH = {"build": ["unit tests", "package"], "unit tests": ["package"]}


async def test_one_builder(desk: Desk) -> None:
    done = await desk.submit(
        "linux64 opt",
        *("--property", "product=widget", "--property-json", "chunks=[1, 2]"),
        *("--branch", "main", "--revision", "3f2a", "--repository", "https://example.org/widget", "--no-follow"),
    )
    assert (done.status, done.err) == (0, "")
    (task,) = desk.tasks().values()
    assert f"{task.task_id} linux64 opt  {desk.double.root_url}/tasks/{task.task_id}\n" in done.out
    assert f"Created a task in task group {desk.double.root_url}/tasks/groups/{task.group_id}\n" in done.out
    assert task.state == "pending"
    assert task.definition["payload"] == {
        "buildername": "linux64 opt",
        "sourcestamp": {"branch": "main", "revision": "3f2a", "repository": "https://example.org/widget"},
        "properties": {"product": "widget", "chunks": [1, 2]},
    }
    assert task.definition["metadata"]["owner"] == PERSON
    assert task.definition["metadata"]["source"] == "https://example.org/widget"
    assert task.definition["taskQueueId"] == QUEUE


async def test_a_graph_is_created_parents_first_in_one_group(desk: Desk) -> None:
    done = await desk.submit("--graph", desk.graph(GRAPH), "--no-follow", "--json")
    assert done.status == 0, done.err
    tasks = desk.tasks()
    assert [each["name"] for each in done.json["tasks"]] == list(tasks) == ["build", "unit tests", "package"]
    ids = {name: task.task_id for name, task in tasks.items()}
    assert tasks["package"].definition["dependencies"] == [ids["build"], ids["unit tests"]]
    assert tasks["package"].definition["payload"]["properties"] == {"parent_task_id": ids["build"]}
    assert {task.group_id for task in tasks.values()} == {done.json["taskGroupId"]}
    assert [task.state for task in tasks.values()] == ["pending", "unscheduled", "unscheduled"]


async def test_a_graph_from_standard_input_into_a_group_that_exists(desk: Desk) -> None:
    group = slugid.nice()
    for builder in ("first", "second"):
        done = await desk.submit("--graph", "-", "--task-group", group, "--no-follow", given=f"{builder}: []\n")
        assert done.status == 0, done.err
    assert desk.double.site.ledger.groups[group].members == [task.task_id for task in desk.tasks().values()]


async def test_a_dry_run_prints_the_definitions_and_calls_nobody(desk: Desk) -> None:
    nobody = dict.fromkeys(("TASKCLUSTER_CLIENT_ID", "TASKCLUSTER_ACCESS_TOKEN", "TASKCLUSTER_ROOT_URL"))
    done = await desk.submit("--graph", desk.graph(GRAPH), "--dry-run", **nobody)
    assert (done.status, done.err) == (0, "")
    assert [task["metadata"]["name"] for task in done.json.values()] == ["build", "unit tests", "package"]
    assert not desk.double.journal.calls
    for task_id, definition in done.json.items():  # what is printed is what the queue takes
        await desk.admin.createTask(task_id, definition)
    assert list(desk.tasks()) == ["build", "unit tests", "package"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
async def test_any_terminal_can_be_told_any_name(desk: Desk, encoding: str) -> None:
    """As where the output of a command goes into a file that has an encoding of old."""
    name = "größer 日本"
    done = await desk.submit("linux", "--name", name, "--dry-run", PYTHONIOENCODING=encoding)
    assert done.status == 0, done.err
    assert [task["metadata"]["name"] for task in done.json.values()] == [name]
    group = (await desk.submit("linux", "--name", name, "--no-follow", "--json")).json["taskGroupId"]
    await desk.does("linux")
    done = await desk.bbb("follow", group, PYTHONIOENCODING=encoding)
    assert done.status == 0, done.err
    assert "completed gr" in done.out


async def test_temporary_credentials(desk: Desk) -> None:
    """Those that `taskcluster signin` gives have a certificate."""
    import datetime as dt

    import taskcluster

    now = dt.datetime.now(dt.UTC)
    made = taskcluster.createTemporaryCredentials(
        PERSON, desk.token, now - dt.timedelta(minutes=1), now + dt.timedelta(hours=1), ENOUGH, name=f"{PERSON}/session"
    )
    token, certificate = made["accessToken"], made["certificate"]
    done = await desk.submit(
        "linux",
        "--no-follow",
        TASKCLUSTER_CLIENT_ID=made["clientId"],
        TASKCLUSTER_ACCESS_TOKEN=token.decode() if isinstance(token, bytes) else token,
        TASKCLUSTER_CERTIFICATE=certificate if isinstance(certificate, str) else json.dumps(certificate),
    )
    assert done.status == 0, done.err
    assert list(desk.tasks()) == ["linux"]


# --- what a person may not


async def test_missing_scopes_are_named_before_anything_is_created(desk: Desk) -> None:
    desk.allow(*ENOUGH[1:3], "buildbot-bridge:builder-name:build", f"queue:create-task:low:{QUEUE}")
    done = await desk.submit("--graph", desk.graph(GRAPH))
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines() == [
        f"bbb: the credentials of {PERSON} lack these 3 scopes, so nothing was created:",
        f"  queue:create-task:high:{QUEUE}  (to create tasks of priority high in {QUEUE}, or the same for a higher priority)",
        "  buildbot-bridge:builder-name:unit tests  (to have 'unit tests' built)",
        "  buildbot-bridge:builder-name:package  (to have 'package' built)",
        "Ask whoever grants scopes there for them, or sign in with credentials that have them.",
    ]
    assert desk.double.journal.calls["queue.createTask"] == 0


async def test_where_scopes_cannot_be_asked_for_the_queue_names_what_lacks(desk: Desk) -> None:
    desk.allow(*ENOUGH[:3], "buildbot-bridge:builder-name:build")
    desk.fault(api="auth.currentScopes", status=403)
    done = await desk.submit("--graph", desk.graph(GRAPH))
    assert (done.status, done.out) == (2, "")
    assert "createTask: HTTP 403: " in done.err
    assert "buildbot-bridge:builder-name:unit tests" in done.err
    build = desk.tasks()["build"].task_id
    assert f"created: {build} build  {desk.double.root_url}/tasks/{build}" in done.err
    assert re.findall(r"^not created: \S{22} (.*)$", done.err, re.MULTILINE) == ["unit tests", "package"]
    assert "perhaps" not in done.err, "the queue has refused it"
    assert "What was created goes on; nothing was cancelled." in done.err


async def test_wrong_credentials_are_one_message(desk: Desk) -> None:
    done = await desk.submit("linux", TASKCLUSTER_CLIENT_ID="nobody-known")
    assert (done.status, done.out) == (2, "")
    assert "createTask: HTTP 401: " in done.err
    assert "nobody-known" in done.err
    assert re.search(r"^Sign in again if .*\nnot created: \S{22} linux$", done.err, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a builder, or give --graph FILE"),
        (("linux", "--graph", "x"), "name a builder, or give --graph FILE, not both"),
        (("--graph", "no-such-file"), "--graph no-such-file: cannot be read: No such file or directory."),
        (("li*",), "ends in `*`"),
        (("--graph", "circle"), "--graph circle: goes in a circle: "),
        (
            ("linux", "--property", "scheduler=x"),
            "`payload.properties.scheduler`: this property is set by the bridge or by Buildbot",
        ),
        (("linux", "--property-json", "x=NaN"), "`payload.properties.x`: nan is no number that JSON knows"),
        (("linux", "--branch", "x" * 257), "`payload.sourcestamp.branch` is too long"),
        (("linux", "--deadline", "soon"), "--deadline: 'soon' is no span of time"),
    ],
)
async def test_a_mistake_is_one_message_and_no_call(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    (desk.directory / "circle").write_text("a: [b]\nb: [a]\n")
    done = await desk.submit(*arguments)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert not desk.double.journal.calls


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("TASKCLUSTER_ROOT_URL", None, "TASKCLUSTER_ROOT_URL is not set."),
        ("TASKCLUSTER_ROOT_URL", "tc.example.org", "TASKCLUSTER_ROOT_URL: 'tc.example.org' is no address."),
        ("TASKCLUSTER_ROOT_URL", "https://[", "TASKCLUSTER_ROOT_URL: 'https://[' is no address."),
        ("TASKCLUSTER_ROOT_URL", "https://tc:99999", "TASKCLUSTER_ROOT_URL: 'https://tc:99999' is no address."),
        ("TASKCLUSTER_ROOT_URL", "https://me:secret@tc", "TASKCLUSTER_ROOT_URL: holds a user's name or password."),
        ("TASKCLUSTER_CLIENT_ID", None, "TASKCLUSTER_CLIENT_ID is not set. Sign in with `eval $(taskcluster signin)`"),
        ("TASKCLUSTER_CERTIFICATE", "{", "the credentials' certificate is not JSON"),
    ],
)
async def test_an_account_that_is_none_is_one_message(desk: Desk, variable: str, text: str | None, said: str) -> None:
    done = await desk.submit("linux", **{variable: text})
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert not desk.tasks()


async def test_a_group_of_another_scheduler_is_the_queues_word(desk: Desk) -> None:
    group = slugid.nice()
    assert (await desk.submit("first", "--task-group", group, "--no-follow")).status == 0
    desk.allow("*")
    done = await desk.submit("second", "--task-group", group, "--scheduler-id", "other")
    assert done.status == 2
    assert "HTTP 409: " in done.err
    assert "schedulerId" in done.err
    assert re.search(r"^not created: \S{22} second$", done.err, re.MULTILINE), "the queue has refused it"
    assert list(desk.tasks()) == ["first"]


async def test_a_sealed_group_is_the_queues_word(desk: Desk) -> None:
    group = slugid.nice()
    assert (await desk.submit("first", "--task-group", group, "--no-follow")).status == 0
    await desk.admin.sealTaskGroup(group)
    done = await desk.submit("second", "--task-group", group)
    assert done.status == 2
    assert "HTTP 409: " in done.err
    assert "sealed" in done.err
    assert re.search(r"^not created: \S{22} second$", done.err, re.MULTILINE)
    assert "perhaps" not in done.err


# --- a queue that stumbles


@pytest.mark.parametrize(("kind", "effect"), [("status", False), ("status", True), ("html", False)])
async def test_a_stumble_makes_no_task_twice_and_leaves_none_out(desk: Desk, kind: str, effect: bool) -> None:
    desk.fault(api="queue.createTask", kind=kind, effect=effect)
    done = await desk.submit("--graph", desk.graph(GRAPH), "--no-follow", "--json")
    assert done.status == 0, done.err
    assert "the same call again in 1 s" in done.err
    assert [task.task_id for task in desk.tasks().values()] == [each["taskId"] for each in done.json["tasks"]]
    assert len(desk.double.site.ledger.tasks) == 3
    assert desk.double.journal.calls["queue.createTask"] == 4


async def test_a_queue_that_throttles_is_given_the_time_that_it_asks_for(desk: Desk) -> None:
    desk.fault(api="queue.createTask", status=429, code="InternalServerError", retryAfter=2)
    done = await desk.submit("linux", "--no-follow")
    assert done.status == 0, done.err
    assert "the same call again in 2 s" in done.err


async def test_what_was_created_is_told_when_the_queue_stops_to_answer(desk: Desk) -> None:
    """Nothing is cancelled by itself; of the task that was asked for last nobody can know."""
    desk.fault(api="queue.createTask", kind="delay", seconds=0.2)
    desk.fault(api="queue.createTask", count=1000)
    child = await desk.start("submit", "--graph", desk.graph(GRAPH), *USUAL)

    async def asked() -> bool:
        return desk.double.journal.calls["queue.createTask"] >= 2

    await eventually(asked, "the second is asked for")
    child.send_signal(signal.SIGINT)
    done = await desk.end(child)
    assert done.status == 130, "as after any other Ctrl-C"
    build = desk.tasks()["build"].task_id
    assert f"created: {build} build  {desk.double.root_url}/tasks/{build}" in done.err
    assert re.search(r"^perhaps created: \S{22} unit tests  http", done.err, re.MULTILINE)
    assert re.search(r"^not created: \S{22} package$", done.err, re.MULTILINE)
    assert list(desk.tasks()) == ["build"]
    assert desk.tasks()["build"].state == "pending"
