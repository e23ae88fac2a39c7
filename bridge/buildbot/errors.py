"""What a call to a master can come to besides its answer, each a kind of the core's faults."""

from __future__ import annotations

from typing import Final

from bridge.core import faults


class Unavailable(faults.Unavailable):
    """The master cannot be reached, or its answer is not surely the plugin's; the call may have taken effect."""


class Unauthorized(faults.NotAllowed):
    """The plugin does not accept the token; a person must act."""


class UnknownBuilder(faults.Unfit):
    """The master has no such builder, or does not open it to the bridge."""


class BadRequest(faults.Unfit):
    """The plugin cannot accept what was sent, and would not next time either."""


class Conflict(faults.Conflicting):
    """The run has its build request already, on another builder."""


class QueueFull(faults.Full):
    """The builder has as many pending requests as the master's administrator allows."""


class NotFound(faults.Missing):
    """The plugin answers, and knows no such run or build."""


class NoSuchPath(Unavailable):
    """The plugin answers and does not know the path: it is of an older version, or the address leads to something else."""


FOR_AUTHORS: Final = frozenset({"UnknownBuilder", "BadRequest", "TooLarge"})
"""Codes whose message is read by a task's author, in the artifact that explains the refusal."""
_BY_CODE: Final[dict[tuple[int, str], type[faults.Fault]]] = {
    (400, "BadRequest"): BadRequest,
    (404, "NotFound"): NotFound,
    (404, "NoSuchPath"): NoSuchPath,
    (404, "UnknownBuilder"): UnknownBuilder,
    (409, "Conflict"): Conflict,
    (413, "TooLarge"): BadRequest,
}


def of_answer(status: int, code: str | None, message: str, retry_after: float | None) -> faults.Fault:
    """Give the fault for an answer other than success; `code` is None when the body is not the plugin's.

    The plugin's own word is needed for everything that could end a run: a proxy's 404 says nothing about a builder.
    """
    if status in {401, 403}:
        return Unauthorized(message)
    if (status, code) == (429, "QueueFull"):
        return QueueFull(message, retry_after=retry_after)
    known = _BY_CODE.get((status, code)) if code is not None else None
    if known is UnknownBuilder:
        return UnknownBuilder(f"unknown builder: {message}")
    if known is not None:
        return known(message)
    return Unavailable(message, retry_after=retry_after)
