"""States as numbers: each part's number in its own bits, so that a state is exact and takes a few words of memory."""

from typing import NamedTuple

BITS = (9, 16, 17, 20, 20, 14, 22, 22)
"""Of the minute, the task, requests, rows, backup, budget, and two replicas."""
_AT = tuple(sum(BITS[n + 1 :]) for n in range(len(BITS)))
_MASK = tuple((1 << bits) - 1 for bits in BITS)
A_T, A_Q, A_B, A_R, A_C, A_U, A_P, A_S = _AT
M_T, M_Q, M_B, M_R, M_C, M_U, M_P, M_S = _MASK


class State(NamedTuple):
    """The parts of a state by their numbers; the replicas are alike, so the lower number comes first."""

    time: int
    task: int
    requests: int
    rows: int
    backup: int
    budget: int
    one: int
    other: int


def packed(t: int, q: int, b: int, r: int, c: int, u: int, p: int, s: int) -> int:
    """The state as one number."""
    if p > s:
        p, s = s, p
    return t << A_T | q << A_Q | b << A_B | r << A_R | c << A_C | u << A_U | p << A_P | s


def unpacked(state: int) -> State:
    return State(
        state >> A_T,
        state >> A_Q & M_Q,
        state >> A_B & M_B,
        state >> A_R & M_R,
        state >> A_C & M_C,
        state >> A_U & M_U,
        state >> A_P & M_P,
        state & M_S,
    )
