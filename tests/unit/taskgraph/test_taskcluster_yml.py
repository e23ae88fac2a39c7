"""The sample's `.taskcluster.yml` makes a task that Taskcluster takes, for each event that it is for and for no other."""

from __future__ import annotations

from typing import Any

import jsone
import jsonschema
import pytest
import yaml

from tests.doubles.taskcluster import schemas
from tests.taskgraph import SAMPLE

TEMPLATE = yaml.safe_load((SAMPLE / ".taskcluster.yml").read_text())
OWN, GROUP, TASK = (f"{first * 8}QACAAAAAAAAAAA" for first in "ABC")
REV, BASE = "2" * 40, "1" * 40
REPOSITORY = {"html_url": "https://github.com/example/demo", "name": "demo", "full_name": "example/demo"}
BRANCH = 'a"; rm -rf $HOME #'

PUSH: dict[str, Any] = {
    "tasks_for": "github-push",
    "event": {
        "repository": REPOSITORY,
        "pusher": {"email": "dev@example.org"},
        "ref": "refs/heads/main",
        "base_ref": None,
        "after": REV,
        "before": BASE,
        "deleted": False,
    },
}
PULL: dict[str, Any] = {
    "tasks_for": "github-pull-request",
    "event": {
        "action": "opened",
        "pull_request": {
            "head": {"repo": REPOSITORY, "ref": BRANCH, "sha": REV},
            "base": {"repo": REPOSITORY, "ref": "main", "sha": BASE},
            "user": {"login": "dev"},
        },
    },
}
ACTION: dict[str, Any] = {
    "tasks_for": "action",
    "action": {
        "name": "retrigger",
        "title": "Retrigger",
        "description": "again",
        "taskGroupId": GROUP,
        "cb_name": "retrigger",
        "repo_scope": "assume:repo:github.com/example/demo:action:generic",
    },
    "repository": {
        "url": REPOSITORY["html_url"],
        "base_url": REPOSITORY["html_url"],
        "project": "demo",
        "level": "3",
    },
    "push": {"owner": "dev@example.org", "branch": "refs/heads/main", "revision": REV, "base_revision": BASE},
    "input": {"times": 2},
    "taskId": TASK,
    "taskGroupId": GROUP,
}


def rendered(context: dict[str, Any]) -> list[Any]:
    service = {"as_slugid": {"decision_task": OWN}.__getitem__, "now": "2026-11-21T12:00:00.000Z"}
    return jsone.render(TEMPLATE, service | context)["tasks"]


@pytest.mark.parametrize("context", [PUSH, PULL, ACTION], ids=["push", "pull request", "action"])
def test_a_task_is_made_that_the_queue_takes(context: dict[str, Any]) -> None:
    (task,) = rendered(context)
    task_id = task.pop("taskId", None)
    jsonschema.validate(task, schemas._TASK)
    assert (task_id is None) == (context is ACTION)
    assert task["taskGroupId"] == (GROUP if context is ACTION else OWN)
    assert ("action-callback" in task["payload"]["command"][2]) == (context is ACTION)
    assert task["scopes"][0].startswith("assume:repo:github.com/example/demo:")


def test_what_people_chose_is_no_part_of_a_command() -> None:
    (task,) = rendered(PULL)
    assert task["payload"]["env"]["HEAD_REF"] == BRANCH
    assert BRANCH not in task["payload"]["command"][2]


def test_a_fork_of_another_name_has_the_builders_of_the_project() -> None:
    """`{project}` is a part of builders' names, and those are the project's."""
    fork = REPOSITORY | {"html_url": "https://github.com/dev/my-fork", "name": "my-fork", "full_name": "dev/my-fork"}
    pull = PULL["event"]["pull_request"]
    forked = pull | {"head": pull["head"] | {"repo": fork}}
    (task,) = rendered(PULL | {"event": {"action": "opened", "pull_request": forked}})
    env = task["payload"]["env"]
    assert (env["PROJECT"], env["HEAD_REPOSITORY"]) == ("demo", "https://github.com/dev/my-fork")


@pytest.mark.parametrize("context", [PUSH, ACTION], ids=["push", "action"])
def test_the_bridge_s_package_comes_from_an_address_and_not_by_its_name(context: dict[str, Any]) -> None:
    """Whoever takes that name in a public index would run with the scopes of the decision task."""
    (task,) = rendered(context)
    (installed,) = [line for line in task["payload"]["command"][2].splitlines() if "pip install" in line]
    assert "'buildbot-bridge[taskgraph] @ https://" in installed


def test_an_action_is_told_what_it_is_for() -> None:
    (task,) = rendered(ACTION)
    env = task["payload"]["env"]
    assert env["ACTION_INPUT"] == '{"times":2}'
    assert env["ACTION_TASK_ID"] == f'"{TASK}"'
    assert env["ACTION_CALLBACK"] == "retrigger"


def test_actions_find_the_decision_task_where_a_push_puts_it() -> None:
    (task,) = rendered(PUSH)
    assert f"index.demo.v2.demo.revision.{REV}.taskgraph.decision" in task["routes"]


@pytest.mark.parametrize(
    "context",
    [
        PUSH | {"event": PUSH["event"] | {"ref": "refs/tags/v1"}},
        PUSH | {"event": PUSH["event"] | {"deleted": True}},
        PULL | {"event": PULL["event"] | {"action": "closed"}},
        {"tasks_for": "github-release", "event": {}},
    ],
)
def test_other_events_make_no_task(context: dict[str, Any]) -> None:
    assert rendered(context) == []
