"""What operators send to steer: these models check it, and are in the API's document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

_TEXT = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"  # one line, and not of spaces alone
_BIGGEST = (1 << 63) - 1


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 7.0 is 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WHOLE = BeforeValidator(_whole)
Words = Annotated[str, Field(min_length=1, max_length=500, pattern=_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_TEXT)]
Pool = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+$")]
Builders = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^*\x00-\x1f\x7f]*\*?$")]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]


class Body(BaseModel):
    """What all acts want. Without `seen` nothing is done: the answer says what would be, and what to send as `seen`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        populate_by_name=False,
        use_attribute_docstrings=True,
    )

    reason: Words
    """Why; kept, and shown to whoever waits for it."""
    who: Name
    """Who does it; kept. Where a trusted proxy names the user, its word counts instead."""
    seen: Annotated[int | None, Field(ge=0, le=_BIGGEST), _WHOLE] = None
    """From the answer to the same without it. Refused where somebody else has acted on the same thing since."""


class OfPool(Body):
    """A pool, or some of its builders."""

    pool: Pool
    """A pool of the settings."""
    builder: Builders = "*"
    """A builder, or a prefix followed by `*`."""


class OfBuilder(Body):
    """A builder in every pool."""

    builder: Builders
    """A builder, or a prefix followed by `*`; `*` alone means all."""


class OfAll(Body):
    """Everything."""


class OfRun(Body):
    """A run."""

    task_id: Slug
    """The task."""
    run_id: Annotated[int, Field(ge=0, le=999), _WHOLE]
    """Which of its runs, from 0."""


class OfTask(Body):
    """A task."""

    task_id: Slug
    """The task."""


class OfLetter(Body):
    """A message that could not be read."""

    id: Annotated[int, Field(ge=1, le=_BIGGEST), _WHOLE]
    """Its number in `dead-letters`."""
