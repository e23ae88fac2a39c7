"""Answers to a search."""

from __future__ import annotations

from typing import Literal

from bridge.status.answers.frame import Answer
from bridge.status.answers.runs import Run

Kind = Literal["task", "group", "request", "build", "number", "builder"]


class Hit(Answer):
    """A run that was found, and as what."""

    found_as: Kind
    """By its task, task group, build request, build (Buildbot's id), build number (the one of the builder), or builder."""
    run: Run


class Hits(Answer):
    """What was found: of each kind the newest runs, at most twenty."""

    words: str
    """What was looked for, as it was understood."""
    hits: list[Hit]
    more: list[str]
    """Kinds of which there are more than are shown."""
    looked_at: int
    """Among how many of the newest runs a build number was looked for; 0 where none was."""
    errors: list[str]
    """What could not be read of a Buildbot, so that a build number may be missing."""
