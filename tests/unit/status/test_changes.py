"""Changes are handed out in order, and none is left out that is still on its way in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger import Change, Step
from bridge.status.changes import SETTLED_FOR, released

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def change(number: int, age: float = 0.0) -> Change:
    step = Step(0, NOW - timedelta(seconds=age), None, "wanted", "pending", "me")
    return Change(number, "E" * 22, step, "linux", None, None)


def numbers(changes: list[Change]) -> list[int]:
    return [each.number for each in changes]


def test_those_without_a_gap_are_handed_out_at_once() -> None:
    assert numbers(released(4, [change(5), change(6)], NOW)) == [5, 6]


def test_a_number_that_is_missing_is_waited_for() -> None:
    assert numbers(released(4, [change(5), change(7), change(8)], NOW)) == [5]
    assert released(4, [change(6)], NOW) == []


def test_a_number_that_never_came_is_given_up_in_time() -> None:
    old = SETTLED_FOR.total_seconds()
    assert numbers(released(4, [change(6, old), change(7)], NOW)) == [6, 7]
    assert numbers(released(4, [change(6, old), change(9)], NOW)) == [6]


@given(st.permutations(range(1, 9)), st.sets(st.integers(1, 8), max_size=3))
def test_whatever_the_order_in_which_they_come_into_sight_each_is_handed_out_once_and_in_order(
    order: list[int], aborted: set[int]
) -> None:
    """One comes into sight at each look, within the time that a transaction may take; some never do."""
    seen, told, now = set[int](), list[int](), NOW
    for number in [*order, *[0] * 20]:
        seen |= {number} - {0} - aborted
        now += timedelta(seconds=SETTLED_FOR.total_seconds() / 8)
        last = told[-1] if told else 0
        told += numbers(
            released(
                last,
                [change(each, 0) for each in sorted(seen) if each > last],
                min(now, NOW + SETTLED_FOR * 0.99) if number else NOW + 2 * SETTLED_FOR,
            )
        )
    assert told == sorted(set(range(1, 9)) - aborted)
