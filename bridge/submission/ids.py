"""Ids that a person gives."""

from __future__ import annotations

import re
from typing import Final

from bridge.core.admission import shown
from bridge.definition import DefinitionError

# A UUID of version 4 in URL-safe base 64, as Taskcluster demands it.
_SLUG: Final = r"[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]"


def group_id(text: str, where: str) -> str:
    """The taskGroupId itself; raises `DefinitionError`, which begins with `where`, for what is none."""
    if not re.fullmatch(_SLUG, text):
        raise DefinitionError(
            f"{where}: {shown(text)!r} is not a taskGroupId. Copy it from the group's page: it has 22 characters, such as "
            "V4ZCcQxRTh6vOLwNVVqK2w."
        )
    return text
