"""States as numbers: each part's number in its own bits, so that a state is exact and takes a few words of memory."""

BITS = (9, 16, 17, 20, 20, 14, 12, 22, 22)
"""Of the minute, the task, requests, rows, backup, budget, call under way, and two replicas."""
_AT = tuple(sum(BITS[n + 1 :]) for n in range(len(BITS)))
_MASK = tuple((1 << bits) - 1 for bits in BITS)
A_T, A_Q, A_B, A_R, A_C, A_U, A_W, A_P, A_S = _AT
M_T, M_Q, M_B, M_R, M_C, M_U, M_W, M_P, M_S = _MASK


def packed(t: int, q: int, b: int, r: int, c: int, u: int, w: int, p: int, s: int) -> int:
    """The state as one number."""
    if p > s:
        p, s = s, p
    return t << A_T | q << A_Q | b << A_B | r << A_R | c << A_C | u << A_U | w << A_W | p << A_P | s
