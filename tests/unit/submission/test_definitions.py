"""What a wish becomes: definitions as the queue and the bridge take them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core import admission
from bridge.core.order import Order, Policy
from bridge.core.run import RunId, RunKey, TaskId
from bridge.core.status import TaskStatus
from bridge.definition import DefinitionError, builders_graph
from bridge.submission.definitions import definitions, listed
from bridge.submission.links import Links
from bridge.submission.wish import Wish
from bridge.taskcluster import payload
from tests.doubles.taskcluster import schemas

NOW = datetime(2026, 11, 21, 20, 15, 0, 123456, UTC)
GROUP = "V4ZCcQxRTh6vOLwNVVqK2w"
FIRST, SECOND, THIRD = "AAAAAAAASAyAAAAAAAAAAA", "BBBBBBBBSAyAAAAAAAAAAA", "CCCCCCCCSAyAAAAAAAAAAA"
WISH = Wish(
    task_queue="proj-demo/buildbot",
    owner="release@example.org",
    source="https://example.org/widget",
    properties={"product": "widget", "chunks": [1, 2]},
    sourcestamp={"branch": "main", "revision": "3f2a9c"},
    priority="high",
    scheduler_id="by-hand",
)
FANNED = builders_graph({"build": ["unit tests", "package"], "unit tests": ["package"]})


def test_a_builder_becomes_a_task() -> None:
    assert definitions(WISH, builders_graph({"build": None}), GROUP, [FIRST], NOW) == {
        FIRST: {
            "taskQueueId": "proj-demo/buildbot",
            "schedulerId": "by-hand",
            "projectId": "none",
            "taskGroupId": GROUP,
            "dependencies": [],
            "requires": "all-completed",
            "priority": "high",
            "retries": 5,
            "created": "2026-11-21T20:15:00.123Z",
            "deadline": "2026-11-22T20:15:00.123Z",
            "expires": "2027-02-19T20:15:00.123Z",
            "scopes": ["buildbot-bridge:builder-name:build"],
            "payload": {
                "buildername": "build",
                "sourcestamp": {"branch": "main", "revision": "3f2a9c"},
                "properties": {"product": "widget", "chunks": [1, 2]},
            },
            "metadata": {
                "name": "build",
                "description": "A build of Buildbot's builder `build`, asked for with `bbb submit`.",
                "owner": "release@example.org",
                "source": "https://example.org/widget",
            },
            "tags": {"worker-implementation": "buildbot-bridge", "label": "build"},
        }
    }


def test_a_graph_becomes_tasks_that_wait_for_each_other_parents_first() -> None:
    found = definitions(WISH, FANNED, GROUP, [FIRST, SECOND, THIRD], NOW)
    told = {
        key: (task["payload"]["buildername"], task["dependencies"], task["payload"]["properties"].get("parent_task_id"))
        for key, task in found.items()
    }
    assert list(told.items()) == [
        (FIRST, ("build", [], None)),
        (SECOND, ("unit tests", [FIRST], FIRST)),
        (THIRD, ("package", [FIRST, SECOND], FIRST)),
    ]
    assert {task["taskGroupId"] for task in found.values()} == {GROUP}
    assert [task["tags"]["label"] for task in found.values()] == ["build", "unit tests", "package"]


def test_what_was_not_given_is_not_there() -> None:
    (task,) = definitions(
        replace(WISH, properties={}, sourcestamp={}), builders_graph({"b": None}), GROUP, [FIRST], NOW
    ).values()
    assert task["payload"] == {"buildername": "b"}


def test_what_was_given_is_there() -> None:
    wish = replace(
        WISH,
        name="nightly",
        description="By hand.",
        scope_prefix="ours:",
        project_id="widget",
        retries=0,
        deadline=timedelta(hours=2),
        expires=timedelta(days=1),
    )
    (task,) = definitions(wish, builders_graph({"b": None}), GROUP, [FIRST], NOW).values()
    assert (task["metadata"]["name"], task["metadata"]["description"]) == ("nightly", "By hand.")
    assert (task["scopes"], task["projectId"], task["retries"]) == (["ours:b"], "widget", 0)
    assert (task["deadline"], task["expires"]) == ("2026-11-21T22:15:00.123Z", "2026-11-22T20:15:00.123Z")


def test_the_queue_takes_them_and_the_bridge_builds_them() -> None:
    long = "b" * 256  # the longest that the payload allows; a task's name may have one character less
    for task in definitions(WISH, builders_graph({"build": [long]}), GROUP, [FIRST, SECOND], NOW).values():
        schemas.TASK.check(task)
        read = payload.read(task["payload"])
        assert not isinstance(read, list), read
        assert isinstance(admission.judge(KEY, read, task["scopes"], status(task), Policy(builders=("*",))), Order)


KEY = RunKey(TaskId(FIRST), RunId(0))


def status(task: Any) -> TaskStatus:
    return TaskStatus(TaskId(FIRST), task["taskQueueId"], "s", "none", GROUP, task["priority"], NOW, NOW, 5, "pending", ())


def test_equal_wishes_give_equal_tasks() -> None:
    ids = [FIRST, SECOND, THIRD]
    assert definitions(WISH, FANNED, GROUP, ids, NOW) == definitions(WISH, FANNED, GROUP, ids, NOW)


def test_the_parents_property_is_the_graphs() -> None:
    wish = replace(WISH, properties={"parent_task_id": "x"})
    with pytest.raises(DefinitionError, match=r"--property parent_task_id: is set for every builder after the first ones"):
        definitions(wish, FANNED, GROUP, [FIRST, SECOND, THIRD], NOW)
    (task,) = definitions(wish, builders_graph({"b": None}), GROUP, [FIRST], NOW).values()
    assert task["payload"]["properties"] == {"parent_task_id": "x"}, "without a graph it is a property as any"


def test_they_are_listed_with_their_pages() -> None:
    wanted = definitions(WISH, builders_graph({"b": None}), GROUP, [FIRST], NOW)
    assert listed(GROUP, wanted, Links("https://tc.example.org")) == {
        "taskGroupId": GROUP,
        "url": f"https://tc.example.org/tasks/groups/{GROUP}",
        "tasks": [{"taskId": FIRST, "name": "b", "url": f"https://tc.example.org/tasks/{FIRST}"}],
    }
