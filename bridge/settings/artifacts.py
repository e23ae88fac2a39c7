"""What of a build may be published with its task."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from bridge.core.outputs import OutputLimits
from bridge.settings.secret import MASK
from bridge.settings.section import Patterns, Seconds, Section


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return text


Expressions = tuple[Annotated[str, Field(min_length=1), AfterValidator(_expression)], ...]
Bytes = Annotated[int, Field(ge=0, le=1 << 50)]
Properties = Mapping[str, tuple[object, str]]
"""Name to value and source."""


class ArtifactsSettings(Section):
    """What of a build is published with its task, and for how long it is tried to be stored, in seconds.

    Patterns are shell-like (`*`, `?`, `[…]`), cover whole names, and small and capital letters are the same; only those of
    `redact_text` are regular expressions.
    """

    allow: Patterns = ("*",)
    redact: Patterns = ("*token*", "*password*", "*passwd*", "*secret*", "*credential*", "*api_key*", "*private_key*")
    redact_text: Expressions = ()
    largest: Annotated[int, Field(ge=0, le=16 << 20)] = 1 << 20
    files: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    file_bytes: Bytes = 5 << 30
    total_bytes: Bytes = 50 << 30
    log_bytes: Bytes = 2 << 30
    upload_limit: Seconds = 600
    mandatory_limit: Seconds = 3600

    def limits(self) -> OutputLimits:
        """The limits of a build's outputs for the core."""
        return OutputLimits(self.files, self.file_bytes, self.total_bytes)

    def redacted(self, properties: Properties) -> Properties:
        """What may be published of them. Redacted ones stay with their name and source; those not allowed are left out."""
        return {
            name: (self._shown(name, value), source)
            for name, (value, source) in properties.items()
            if _matches(name, self.allow)
        }

    def _shown(self, name: str, value: object) -> object:
        if _matches(name, self.redact):
            return MASK
        if (size := len(json.dumps(value))) > self.largest:
            return f"[left out: {size} bytes]"
        return self._within(value)

    def _within(self, value: object) -> object:
        """A value with the redacted names inside of it masked likewise."""
        match value:
            case dict():
                return {k: MASK if _matches(str(k), self.redact) else self._within(v) for k, v in value.items()}
            case list():
                return [self._within(item) for item in value]
            case _:
                return value


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
