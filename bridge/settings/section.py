"""What all sections of the settings have in common."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yarl import URL


class Section(BaseModel):
    """A table of the settings: frozen, without unknown keys. Each field has a description, and an example if required."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


def _address(text: str) -> str:
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("must be an address that begins with https:// or http://")
    if url.user or url.password or url.query_string or url.fragment:
        raise ValueError("must be a plain address, without name, password, query or fragment")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
"""An http(s) address without a slash at its end."""
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=100000, allow_inf_nan=False)]
"""Calls per second."""


def matching(pattern: str, words: str) -> AfterValidator:
    """Checks that the whole text matches; `words` say what it must be."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"must be {words}")
        return text

    return AfterValidator(check)


Identifier = Annotated[str, matching(r"[a-zA-Z0-9_-]{1,38}", "1 to 38 letters, digits, hyphens or underscores (no dots)")]
"""A workerGroup or workerId, by Taskcluster's rule."""
Patterns = tuple[Annotated[str, Field(min_length=1)], ...]
