"""The ring tells every listener everything since its place, or that it cannot."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.master.ring import Happening, Ring


def filled(size: int, count: int) -> Ring:
    ring = Ring("epoch", size)
    for number in range(1, count + 1):
        ring.append(Happening(0, "request.created", number, 1, None, False))
    return ring


def test_an_empty_ring_knows_its_beginning_and_nothing_later() -> None:
    ring = filled(5, 0)
    assert ring.knows("epoch", 0)
    assert not ring.knows("epoch", 1)
    assert ring.since(0, 10) == []


def test_another_epoch_or_none_is_not_known() -> None:
    ring = filled(5, 3)
    assert not ring.knows("another", 1)
    assert not ring.knows(None, 0)


@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 45), st.integers(1, 20))
def test_what_is_known_is_told_without_gap_or_repetition(size: int, count: int, after: int, limit: int) -> None:
    ring = filled(size, count)
    assert ring.knows("epoch", after) == (max(0, count - size) <= after <= count)
    if ring.knows("epoch", after):
        told = ring.since(after, limit)
        expected = list(range(after + 1, min(count, after + limit) + 1))
        assert [seq for seq, _ in told] == expected
        assert [happening.request_id for _, happening in told] == expected
