"""Answers as bytes: JSON without secrets, with a tag that changes when they do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

_IN_WORDS: Final = frozenset(
    {
        *("because", "held", "reason", "why", "verdictWhy", "outcome", "detail", "words", "what", "error", "errors"),
        *("edgesError", "fault", "mend", "beginning", "state", "exchange", "routingKey"),
    }
)
"""Fields whose text comes from elsewhere: a caller's mistake may have brought a secret into it. All others are names."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Makes JSON. `mask` takes secrets out of a text."""

    mask: Callable[[str], str]

    def text(self, answer: BaseModel) -> str:
        """The answer as JSON, in one line."""
        return json.dumps(self.data(answer), ensure_ascii=False, separators=(",", ":"))

    def data(self, answer: BaseModel) -> dict[str, Any]:
        """The answer as values of JSON."""
        data: dict[str, Any] = self._masked(answer.model_dump(mode="json", by_alias=True), words=False)
        return data

    def _masked(self, value: Any, *, words: bool) -> Any:
        match value:
            case dict():
                return {name: self._masked(inner, words=name in _IN_WORDS) for name, inner in value.items()}
            case list():
                return [self._masked(inner, words=words) for inner in value]
            case str() if words:
                return self.mask(value)
            case _:
                return value


def tag(body: bytes) -> str:
    """The ETag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def known(if_none_match: str | None, own: str) -> bool:
    """Whether the caller has this answer already, by what it sends as If-None-Match."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return own in given or "*" in given
