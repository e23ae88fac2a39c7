"""The answers other than success: a status for HTTP, a word for programs, a sentence for people."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - its name is what happened
    """The call was not carried out."""

    status = 500
    code = "InternalError"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        """Seconds after which to ask again, for the refusals that pass by themselves."""

    def as_json(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": self.message}}


class BadRequest(Refused):
    """The call cannot be understood; repeating it cannot help."""

    status = 400
    code = "BadRequest"


class Unauthorized(Refused):
    """The bearer token is missing or not one of the configured ones."""

    status = 401
    code = "Unauthorized"


class NotFound(Refused):
    """There is no such request or build of the bridge."""

    status = 404
    code = "NotFound"


class NoSuchPath(Refused):
    """The path is none of this interface: the address is wrong, or plugin and bridge are of different versions.

    Told apart from `NotFound`, for it says nothing about a request.
    """

    status = 404
    code = "NoSuchPath"


class UnknownBuilder(Refused):
    """The builder is not configured in any running master, or not open to the bridge."""

    status = 404
    code = "UnknownBuilder"


class MethodNotAllowed(Refused):
    """The path is right and the method is not."""

    status = 405
    code = "MethodNotAllowed"


class Conflict(Refused):
    """The run has its build request already, on another builder."""

    status = 409
    code = "Conflict"


class TooLarge(Refused):
    """The body is larger than the plugin reads."""

    status = 413
    code = "TooLarge"


class QueueFull(Refused):
    """The builder has as many pending requests as the master's administrator allows."""

    status = 429
    code = "QueueFull"


class NotReady(Refused):
    """The master has no service of the bridge now: not configured, starting or stopping."""

    status = 503
    code = "NotReady"
