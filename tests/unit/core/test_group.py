"""Which tasks of a group cannot run any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.group import Member, stuck
from bridge.core.run import TaskId
from bridge.core.status import TaskStatus

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STATES = ("unscheduled", "pending", "running", "completed", "failed", "exception")


def task(name: str, state: str, *after: str, waits: bool = True, days: int = 1) -> Member:
    """`days`: until its deadline."""
    deadline = NOW + timedelta(days)
    status = TaskStatus(TaskId(name), "p/w", "s", "none", "g", "lowest", deadline, deadline, 5, state, ())
    return Member(status, name, tuple(map(TaskId, after)), waits)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([], {}),
        ([task("a", "failed"), task("b", "unscheduled", "a")], {"b": "a"}),
        ([task("b", "unscheduled", "a"), task("a", "exception")], {"b": "a"}),
        ([task("a", "failed"), task("b", "unscheduled", "a"), task("c", "unscheduled", "b")], {"b": "a", "c": "b"}),
        ([task("a", "failed"), task("b", "unscheduled", "a", waits=False)], {}),
        ([task("a", "failed"), task("b", "completed", "a")], {}),  # scheduled by a person
        ([task("a", "running"), task("b", "unscheduled", "a")], {}),
        ([task("b", "unscheduled", "elsewhere")], {}),
        ([task("a", "unscheduled", "a")], {}),  # waits for a person
        ([task("a", "failed"), task("b", "failed"), task("c", "unscheduled", "a", "b")], {"c": "a"}),
    ],
)
def test_what_is_stuck(members: list[Member], found: Mapping[str, str]) -> None:
    assert stuck(members) == found


def reporter(days: int) -> list[Member]:
    """A build that failed, a package that is stuck until its deadline in two days, and who reports on both."""
    package = task("package", "unscheduled", "build", days=2)
    return [task("build", "failed"), package, task("report", "unscheduled", "build", "package", waits=False, days=days)]


@pytest.mark.parametrize(("days", "is_stuck"), [(1, True), (2, True), (3, False)])
def test_what_waits_for_any_end_of_a_stuck_task_runs_only_if_it_outlives_it(days: int, is_stuck: bool) -> None:
    """A stuck task ends with its deadline; nobody who follows the group should wait for that in vain."""
    assert stuck(reporter(days)) == {"package": "build"} | ({"report": "package"} if is_stuck else {})


DRAWN = st.tuples(st.sampled_from(STATES), st.sets(st.integers(0, 9)), st.booleans(), st.integers(1, 2))


@given(st.lists(DRAWN, max_size=10))
def test_it_is_all_that_a_failure_reaches(drawn: list[tuple[str, set[int], bool, int]]) -> None:
    members = [
        task(str(number), state, *(str(each) for each in sorted(after)), waits=waits, days=days)
        for number, (state, after, waits, days) in enumerate(drawn)
    ]
    by_name = {member.name: member for member in members}
    wanted: set[str] = set()
    while True:
        bad = wanted | {name for name, each in by_name.items() if each.status.state in ("failed", "exception")}
        more = {
            name
            for name, each in by_name.items()
            if each.status.state == "unscheduled"
            for cause in bad.intersection(each.dependencies)
            if each.waits_for_success or (cause in wanted and each.status.deadline <= by_name[cause].status.deadline)
        }
        if more == wanted:
            break
        wanted = more
    found = stuck(members)
    assert found.keys() == wanted
    assert all(cause in by_name[name].dependencies for name, cause in found.items())
