"""Something to attach to a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named artifact. `body` is stored, `reference` (a URL) is linked; exactly one of them is there."""

    name: str
    content_type: str
    expires: datetime
    body: bytes | None = None
    reference: str | None = None
