"""Why somebody cannot read a log (any more): the status and the sentence for people, and the word for those who count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.core import faults
from bridge.livelog.address import ExpiredAddressError, WrongAddressError
from bridge.livelog.readers import FullError, SilentError

_RETRY: Final = 15
"""Seconds after which a reader who found no place, or no Buildbot, may try again."""
_FINISHED: Final = "The log of a run that is over is among the artifacts of its task: public/logs/live_backing.log."


class EndingError(Exception):
    """The service ends."""


Trouble = WrongAddressError | ExpiredAddressError | FullError | SilentError | EndingError | faults.Fault


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason` is one of REASONS; `retry_after` in seconds."""

    reason: str
    status: int
    sentence: str
    retry_after: int | None = None


REASONS: Final = ("wrong", "expired", "full", "build_full", "missing", "away", "closed", "silent", "ending")


def refusal(trouble: Trouble) -> Refusal:
    """What to tell somebody who cannot read; 410 for an expired address, for it was right once."""
    match trouble:
        case WrongAddressError():
            return Refusal("wrong", 403, f"{trouble} Open the log from its task again.")
        case ExpiredAddressError():
            return Refusal("expired", 410, f"{trouble} {_FINISHED}")
        case FullError():
            reason = "build_full" if trouble.of_build else "full"
            return Refusal(reason, 503, f"{trouble} Try again in a little while.", _RETRY)
        case SilentError():
            return Refusal("silent", 408, "You did not read.")
        case EndingError():
            return Refusal("ending", 503, "The bridge stops here. Read again in a moment to go on.", _RETRY)
        case faults.Fault():
            return _fault(trouble)


def _fault(fault: faults.Fault) -> Refusal:
    match fault:
        case faults.Missing():
            return Refusal("missing", 404, f"Buildbot does not have this build any more. {_FINISHED}")
        case faults.Unavailable():
            wait = max(_RETRY, round(fault.retry_after or 0))
            return Refusal("away", 503, "Buildbot does not answer at the moment. Try again in a little while.", wait)
        case _:
            return Refusal("closed", 502, "Buildbot does not let the bridge read this build.")
