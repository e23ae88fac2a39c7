"""The payload's schema, what no schema says of it, and what a builder's name must be for a scope to name it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from bridge.core.admission import name_problem, payload_problems
from bridge.core.order import Limits, Payload, Policy, Sourcestamp

SCOPE_PREFIX = Policy().scope_prefixes[0]
"""What stands before the builder's name in its scope, unless the bridge's operators chose another prefix."""


@cache
def _text() -> str:
    return resources.files(__package__).joinpath("payload.v1.schema.json").read_text(encoding="utf-8")


def payload_schema() -> dict[str, Any]:
    """The payload's JSON schema (draft 2020-12); a new copy each time."""
    schema: dict[str, Any] = json.loads(_text())
    return schema


def builder_problem(builder: str, where: str) -> str | None:
    """A sentence about a name that no scope can name, and so no task can ask for; `where` it stands begins the sentence."""
    return name_problem(builder, where)


def builder_scope(builder: str, prefix: str = SCOPE_PREFIX) -> str:
    """The scope that a task needs for this builder; the prefix ends where the name begins."""
    return f"{prefix}{builder}"


# How much a payload may hold is each pool's own affair; nesting beyond this no bridge can read.
NO_LIMITS: Final = Limits(properties=sys.maxsize, depth=100, bytes=sys.maxsize, name=sys.maxsize)


def inadmissible(payload: Mapping[str, Any]) -> Iterator[str]:
    """What no bridge admits of a payload that fits the schema, whatever its limits; sentences begin with `.properties…`."""
    single = payload.get("sourcestamp")
    stamps = payload.get("sourcestamps", []) if single is None else [single]
    read = Payload(payload["buildername"], payload.get("properties", {}), tuple(Sourcestamp(**stamp) for stamp in stamps))
    for problem in payload_problems(read, NO_LIMITS):
        place, _, words = problem.removeprefix("`payload").partition("`")
        yield (place if single is None else place.replace(".sourcestamps[0]", ".sourcestamp", 1)) + words
