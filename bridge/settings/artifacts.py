"""What of a build may be published with its task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from bridge.settings.secret import MASK
from bridge.settings.section import Patterns, Seconds, Section

Properties = Mapping[str, tuple[object, str]]
"""Name to value and source."""


class ArtifactsSettings(Section):
    """Which of a build's properties are published, and for how long an artifact is tried to be stored, in seconds.

    Patterns are shell-like (`*`, `?`, `[…]`), cover whole names, and small and capital letters are the same.
    """

    allow: Patterns = ("*",)
    redact: Patterns = ("*token*", "*password*", "*passwd*", "*secret*", "*credential*", "*api_key*", "*private_key*")
    largest: Annotated[int, Field(ge=0, le=16 << 20)] = 1 << 20
    upload_limit: Seconds = 600

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
