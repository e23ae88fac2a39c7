"""Lines of a build's log as they are shown: without what nobody may read, and with the time if it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.engine.ports import Redact

_STAMP = "%Y-%m-%dT%H:%M:%SZ "
_NO_STAMP = " " * len("2000-01-01T00:00:00Z ")


@dataclass(frozen=True, slots=True)
class Lines:
    """Makes lines fit to be shown. `there`: how many lines each log had at the first look, by its id."""

    redact: Redact
    now: Callable[[], datetime] | None
    there: Mapping[int, int]

    def told(self, line: str, at: datetime | None) -> str:
        """A line of the bridge's own, about something that was at this time."""
        text = self.redact(line + "\n")
        if self.now is None:
            return text
        return (_NO_STAMP if at is None else _stamp(at)) + text

    def content(self, lines: str, log_id: int, first: int) -> str:
        """Lines of a log, of which the first has the number `first`."""
        text = self.redact(lines)
        if self.now is None:
            return text
        stamp, before = _stamp(self.now()), self.there.get(log_id, 0) - first
        each = text.split("\n")[:-1]
        return "".join(f"{_NO_STAMP if index < before else stamp}{line}\n" for index, line in enumerate(each))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime(_STAMP)
