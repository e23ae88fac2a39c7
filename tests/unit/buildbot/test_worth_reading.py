"""Which changes make the listener read a request's state, and which would cost a read for nothing."""

from datetime import UTC, datetime

import pytest

from bridge.buildbot.answers import Change
from bridge.buildbot.watch import worth_reading

AT = datetime(2026, 1, 1, tzinfo=UTC)


def change(event: str, results: int | None = None, request: int = 7) -> Change:
    return Change(request, event, "task/0", AT, results, None)


@pytest.mark.parametrize(
    "told",
    [change("build.started"), change("request.completed", 0), change("build.finished", 5), change("request.completed", 6)],
)
def test_what_can_move_a_run_is_read(told: Change) -> None:
    assert worth_reading([told]) == {7}


@pytest.mark.parametrize(
    "told",
    [change("request.created"), change("request.claimed"), change("request.unclaimed"), change("build.finished", 0)],
)
def test_what_tells_nothing_new_is_not_read(told: Change) -> None:
    assert worth_reading([told]) == frozenset()


def test_each_request_is_read_once() -> None:
    assert worth_reading([change("build.started"), change("request.completed", 0), change("build.started", request=8)]) == {
        7,
        8,
    }
