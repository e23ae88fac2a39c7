"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it stands: `failure` means that the bridge cannot do its work."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and what to do about it (empty when all is well)."""

    subject: str
    level: Level
    found: str
    remedy: str = ""


def ok(subject: str, found: str) -> Finding:
    """All is well."""
    return Finding(subject, Level.OK, found)


def warning(subject: str, found: str, remedy: str) -> Finding:
    """It works, but likely not as it should."""
    return Finding(subject, Level.WARNING, found, remedy)


def failure(subject: str, found: str, remedy: str) -> Finding:
    """The bridge cannot work so."""
    return Finding(subject, Level.FAILURE, found, remedy)
