"""What an outside call can come to besides its answer. Rooms raise these, the engine turns them into events.

Only these are expected. Anything else is a defect: it propagates, is logged with its traceback, and leaves the row owing.
"""

from __future__ import annotations


class Fault(Exception):  # noqa: N818  the family name; its members say what happened
    """An outside call did not do what was asked."""


class Unavailable(Fault):
    """The other side cannot be reached, answers with a 5xx or 429, or not intelligibly; the call may have taken effect.

    `retry_after` is the wait in seconds that the other side asked for, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflicting(Fault):
    """The other side refused because of the state it is in (409): only a read of that state tells what it means."""


class NotAllowed(Fault):
    """Our credentials do not suffice (401, 403). A person must act; nothing is stopped or resolved for it."""


class Missing(Fault):
    """The thing named does not exist on the other side (404, 410)."""


class Unfit(Fault):
    """The other side refused the request itself (400, 413, unknown builder): trying again cannot help. Text for authors."""


class Newer(Fault):
    """A row of the task holds a phase or a verdict that this version does not know: a newer one wrote it, and tends it."""


class Full(Fault):
    """The other side has no room for more at the moment; `retry_after` in seconds, or None."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
