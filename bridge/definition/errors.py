"""What a person did wrong."""

from __future__ import annotations


class DefinitionError(ValueError):
    """What was asked for cannot be a task; the text says what is wrong, where, and how to mend it."""
