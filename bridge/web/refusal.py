"""Errors as callers read them: a name for programs, what is wrong, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.core import faults
from bridge.status.desk import UnknownError
from bridge.status.tokens import TokenError


class Error(BaseModel):
    """The body of every answer that is an error."""

    model_config = ConfigDict(extra="forbid")

    error: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error."""

    status: int
    error: str
    message: str
    mend: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> Error:
        """The same for callers."""
        return Error(error=self.error, message=self.message, mend=self.mend)


def of(trouble: Exception, known: Iterable[str]) -> Refusal | None:
    """What the caller is told of trouble that was expected; None for a defect. `known`: parameters that there are."""
    named = ", ".join(known)
    takes = f"This takes: {named}." if named else "This takes no parameters."
    match trouble:
        case ValidationError():
            return Refusal(400, "InvalidParameter", _problems(trouble), f"{takes} See /api/v1/openapi.json.")
        case TokenError():
            return Refusal(404, "NoSuchPage", f"{trouble}.", takes)
        case UnknownError():
            return Refusal(404, "NotFound", f"{trouble}.", "Check the name; `bbb status` tells which pools are served.")
        case faults.Unavailable():
            return Refusal(
                503, "Unavailable", str(trouble), "The database does not answer; try again soon.", {"Retry-After": "5"}
            )
        case _:
            return None


def _problems(error: ValidationError) -> str:
    return "; ".join(_problem(tuple(map(str, each["loc"])), each["type"], each["msg"]) for each in error.errors()) + "."


def _problem(place: tuple[str, ...], kind: str, message: str) -> str:
    name = place[0][:60] if place else "the request"
    if kind == "extra_forbidden":
        return f"{name!r} is not known here"
    if kind == "missing":
        return f"{name!r} is missing"
    return f"{name}: {message.removeprefix('Value error, ')}"
