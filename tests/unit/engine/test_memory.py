"""Whose turn it is when a builder has room again, and what is forgotten when."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.run import RunId, RunKey, TaskId
from bridge.engine.memory import Memory, Room

AT = datetime(2026, 1, 1, tzinfo=UTC)
BUILDER = ("pool", "linux")


def _key(number: int) -> RunKey:
    return RunKey(TaskId(f"{number:022}"), RunId(0))


def test_a_builder_is_closed_for_as_long_as_it_said() -> None:
    memory = Memory()
    memory.close(BUILDER, AT + timedelta(seconds=5))
    assert memory.closed(BUILDER, AT) is not None
    assert memory.closed(BUILDER, AT + timedelta(seconds=5)) is None
    assert memory.closed(("pool", "other"), AT) is None


def test_the_higher_priority_asks_first_and_at_equal_priority_the_earlier_deadline() -> None:
    room = Room(AT + timedelta(seconds=5), {_key(n) for n in range(100)})
    soon, late = AT + timedelta(hours=1), AT + timedelta(days=3)
    order = [("highest", soon), ("highest", late), ("high", soon), ("normal", soon), ("lowest", late)]
    turns = [room.turn(AT, priority, deadline) for priority, deadline in order]
    assert turns == sorted(turns)
    assert len(set(turns)) == len(turns)
    assert turns[0] >= room.closed_until


@pytest.mark.parametrize(("waiting", "longest"), [(1, 1.0), (100, 5.0), (100_000, 60.0)])
def test_many_who_wait_ask_twenty_times_a_second_between_them_and_each_within_a_minute(waiting: int, longest: float) -> None:
    room = Room(AT, {_key(n) for n in range(waiting)})
    last = room.turn(AT, "lowest", AT + timedelta(days=9))
    assert timedelta(seconds=longest * 0.9) < last - AT <= timedelta(seconds=longest)


def test_a_deadline_in_the_past_and_an_unknown_priority_have_a_turn_too() -> None:
    room = Room(AT - timedelta(minutes=1))
    assert AT <= room.turn(AT, "odd", AT - timedelta(days=1)) < AT + timedelta(seconds=1)


def test_a_run_that_is_over_is_forgotten() -> None:
    memory = Memory(unsure={_key(1)}, attached={_key(1), _key(2)})
    memory.close(BUILDER, AT).waiting.add(_key(1))
    memory.forget(_key(1))
    assert (memory.unsure, memory.attached, memory.rooms[BUILDER].waiting) == (set(), {_key(2)}, set())


def test_what_others_have_ended_is_not_remembered_for_ever() -> None:
    memory, ours, theirs = Memory(), _key(1), _key(2)
    for known in (memory.attached, memory.giving, memory.shown, memory.unsure):
        known |= {ours, theirs}
    memory.stored |= {ours: {"a": None}, theirs: {"a": None}}
    memory.keep(lambda key: key == ours)
    assert memory.attached == memory.giving == memory.shown == set(memory.stored) == {ours}
    assert memory.unsure == {ours, theirs}  # a report whose outcome no row tells is never forgotten
