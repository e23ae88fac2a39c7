"""What can be asked, and its limits. These models are the parameters of the API's document, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bridge.core.ledger import BEGINNING, END, Selection

MOST: Final = 500
"""Runs of a page."""
_BIGGEST: Final = (1 << 63) - 1  # what the database has for numbers
_CENTURY: Final = 100 * 365 * 86400

Phase = Literal["wanted", "queued", "building", "reporting", "refused", "stopping", "settled"]


def _exactly(kind: Callable[[str], object], form: str) -> BeforeValidator:
    """A value in the one form that the document names: neither `1.0` nor `yes` is meant."""

    def read(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return kind(value)
            except (ValueError, KeyError):
                raise ValueError(f"must be {form}") from None
        return value

    return BeforeValidator(read)


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(text)
    return int(text)


# Innermost the limits, which the document then has in its own words.
_DIGITS = _exactly(_digits, "a number, in digits")
Flag = Annotated[bool, _exactly({"true": True, "false": False}.__getitem__, "true or false")]
Id = Annotated[int, Field(ge=1, le=_BIGGEST), _DIGITS]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
Token = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+$")]
Builder = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
Seconds = Annotated[int, Field(ge=0, le=_CENTURY), _DIGITS]


class Asked(BaseModel):
    """Parameters by their names in addresses; what is not known is refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Nothing(Asked):
    """No parameters."""


class OfRun(Asked):
    """A run's name."""

    task_id: Slug
    """The task."""
    run_id: Annotated[int, Field(ge=0, le=999), _DIGITS]
    """Which of its runs, from 0."""


class OfTask(Asked):
    """A task's name."""

    task_id: Slug
    """The task."""


class OfGroup(Asked):
    """A task group's name."""

    task_group_id: Slug
    """The task group."""


class Paged(Asked):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST), _DIGITS] = 100
    """At most so many. A page may be shorter, even empty, and yet not be the last."""
    continuation_token: Token | None = None
    """From the page before; the list is over when a page brings none."""


class Runs(Paged):
    """Which runs to list, newest first."""

    phase: Annotated[tuple[Phase, ...], Field(max_length=7)] = ()
    """In one of these phases."""
    pool: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """Of one of these pools."""
    builder: Builder | None = None
    """For this builder; `linux-*` stands for all whose names begin so."""
    task_group_id: Slug | None = None
    """Of this task group."""
    task_id: Slug | None = None
    """Of this task."""
    request_id: Id | None = None
    """With this build request of Buildbot's."""
    build_id: Id | None = None
    """With this build of Buildbot's: its id, not its number."""
    settled: Flag | None = None
    """Only those that are over, or only those that are not."""
    stuck: Flag = False
    """Only those that are stuck."""
    min_age: Seconds | None = None
    """The row is at least so old, in seconds."""
    max_age: Seconds | None = None
    """The row is at most so old, in seconds."""

    def selection(self, now: datetime, served: tuple[str, ...]) -> Selection:
        """The same for the database."""
        return Selection(
            settled=self.settled,
            phases=self.phase or None,
            pools=self.pool or None,
            builder=self.builder,
            task_group_id=self.task_group_id,
            task_id=self.task_id,
            request_id=self.request_id,
            build_id=self.build_id,
            before=END if self.min_age is None else _ago(now, self.min_age),
            since=BEGINNING if self.max_age is None else _ago(now, self.max_age),
            suspects=self.stuck,
            served=served,
        )


def _ago(now: datetime, seconds: int) -> datetime:
    return max(BEGINNING, now - timedelta(seconds=min(seconds, (now - BEGINNING).total_seconds())))


class Search(Asked):
    """What to look for."""

    q: Annotated[str, Field(min_length=1, max_length=500)]
    """A task, `task/run`, task group, build request, build, `builder/number`, builder, or an address of one of them."""


class History(Asked):
    """How far back, and how finely."""

    hours: Annotated[int, Field(ge=1, le=168), _DIGITS] = 24
    """So many hours back."""
    step: Annotated[int, Field(ge=60, le=86400), _DIGITS] = 900
    """Seconds of a step; it is made longer where that would be more than 500 steps."""


class Events(Asked):
    """Which changes to hear of."""

    pool: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """Of one of these pools."""
    task_group_id: Slug | None = None
    """Of this task group."""
    task_id: Slug | None = None
    """Of this task."""
    since: Annotated[int, Field(ge=0, le=_BIGGEST), _DIGITS] | None = None
    """After the change of this number, as the header Last-Event-ID; without either, from now on."""
