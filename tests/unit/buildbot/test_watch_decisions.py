"""What an answer means to somebody who knew everything up to a place."""

from datetime import UTC, datetime

import pytest

from bridge.buildbot.answers import Change, Changes
from bridge.buildbot.watch import LONGEST_PAUSE, Changed, Listed, Place, batch_of, longest_pause

HERE = Place("e", 5)
CHANGE = Change(7, "build.finished", "AAAAAAAAAAAAAAAAAAAAAA/0", datetime(2026, 1, 1, tzinfo=UTC), 0, 3)


@pytest.mark.parametrize(
    ("place", "news", "recovered", "because"),
    [
        (None, Changes("e", 5, True, ()), False, "first look"),
        (HERE, Changes("f", 0, True, ()), False, "the master was started anew"),
        (HERE, Changes("e", 90, True, ()), False, "more changes than the master remembers"),
        (HERE, Changes("e", 6, False, (CHANGE,)), True, "the master answers again"),
        (HERE, Changes("e", 5, False, ()), True, "the master answers again"),
    ],
)
def test_a_gap_asks_for_a_list(place: Place | None, news: Changes, recovered: bool, because: str) -> None:
    assert batch_of(place, news, recovered=recovered) == Listed(news.epoch, because)


def test_changes_name_their_requests_once() -> None:
    batch = batch_of(HERE, Changes("e", 7, False, (CHANGE, CHANGE)), recovered=False)
    assert batch == Changed(frozenset({7}), (CHANGE, CHANGE))


def test_nothing_is_nothing() -> None:
    assert batch_of(HERE, Changes("e", 5, False, ()), recovered=False) is None


def test_pauses_grow_to_a_bound() -> None:
    bounds = [longest_pause(attempt) for attempt in range(1, 5000)]
    assert bounds[:3] == [0.5, 1, 2]
    assert bounds == sorted(bounds)
    assert bounds[-1] == LONGEST_PAUSE
