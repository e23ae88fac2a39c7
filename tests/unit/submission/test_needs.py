"""Which scopes a person lacks, before the first task is made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.definition import builders_graph
from bridge.submission.definitions import definitions
from bridge.submission.needs import in_words, lacking
from bridge.submission.wish import Wish
from tests.doubles.taskcluster.definition import scopes_to_create
from tests.doubles.taskcluster.scopes import ScopeSet

WISH = Wish(task_queue="p/w", owner="o", source="https://example.org", priority="high", scheduler_id="s")
TASKS = definitions(WISH, builders_graph({"a": ["b c"]}), "G" * 22, ["A" * 22, "B" * 22], datetime(2026, 1, 1, tzinfo=UTC))
ALL = [
    "queue:create-task:high:p/w",
    "queue:create-task:project:none",
    "queue:scheduler-id:s",
    "buildbot-bridge:builder-name:a",
    "buildbot-bridge:builder-name:b c",
]


def test_every_need_is_told_once() -> None:
    assert [need.scope for need in lacking(TASKS, [])] == ALL


@pytest.mark.parametrize(
    ("held", "left"),
    [
        (ALL, []),
        (["*"], []),
        ([*ALL[1:], "queue:create-task:highest:p/*"], []),
        ([*ALL[1:], "queue:create-task:low:p/w"], [ALL[0]]),
        ([*ALL[:3], "buildbot-bridge:builder-name:*"], []),
        ([*ALL[:3], "buildbot-bridge:builder-name:b"], ALL[3:]),
    ],
)
def test_scopes_cover_as_taskcluster_says(held: list[str], left: list[str]) -> None:
    assert [need.scope for need in lacking(TASKS, held)] == left
    double = all(ScopeSet(held).satisfies(scopes_to_create({**task, "routes": []})) for task in TASKS.values())
    assert double == (not left), "the queue's double is of the same opinion"


def test_a_person_reads_what_for_and_what_to_do() -> None:
    assert in_words(lacking(TASKS, ALL[1:-1]), "me") == (
        "the credentials of me lack these 2 scopes, so nothing was created:\n"
        "  queue:create-task:high:p/w  (to create tasks of priority high in p/w, or the same for a higher priority)\n"
        "  buildbot-bridge:builder-name:b c  (to have 'b c' built)\n"
        "Ask whoever grants scopes there for them, or sign in with credentials that have them."
    )
    assert "lack this scope, so" in in_words(lacking(TASKS, ALL[:-1]), "me")
