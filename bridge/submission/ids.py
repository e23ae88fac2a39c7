"""Ids that a person gives."""

from __future__ import annotations

import re

from bridge.core.admission import shown
from bridge.definition import DefinitionError


def group_id(text: str, where: str) -> str:
    """The taskGroupId itself; raises `DefinitionError`, which begins with `where`, for what is none."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{22}", text):
        raise DefinitionError(
            f"{where}: {shown(text)!r} is not a taskGroupId: those have 22 letters, digits, hyphens or underscores."
        )
    return text
