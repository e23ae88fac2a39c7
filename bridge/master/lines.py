"""Gathers a bounded piece of a log from Buildbot's chunks of it. All of it without effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BUDGET: Final = 512 << 10
"""Bytes of a piece; only a single line may be longer than that."""


class Lines:
    """Whole lines of a log from line `next_line` on, as far as they fit; chunks are given in rising order.

    `stream`: each line begins with one character that says where it comes from, which is left out.
    """

    def __init__(self, first: int, *, stream: bool, budget: int = BUDGET) -> None:
        self.next_line = first
        self.full = False
        self._skip = 1 if stream else 0
        self._left = budget
        self._parts: list[bytes] = []

    def take(self, first_line: int, content: bytes) -> None:
        """Add the lines of a chunk, whose last line stands in it without its line feed."""
        lines = content.split(b"\n")
        # A chunk can begin before what is wanted: Buildbot joins the chunks of a log that is finished into larger ones.
        # It can begin after it where lines were lost.
        self.next_line = max(self.next_line, first_line)
        wanted = lines[self.next_line - first_line :]
        fitting = wanted[: self._fitting(wanted)]
        self._parts += [line[self._skip :] for line in fitting]
        self.next_line += len(fitting)
        self.full = self._left <= 0

    def _fitting(self, lines: Sequence[bytes]) -> int:
        """Say how many of these lines fit, and take their room; the very first line of a piece always fits."""
        size = sum(map(len, lines)) + len(lines) * (1 - self._skip)
        if size <= self._left:
            self._left -= size
            return len(lines)
        for count, line in enumerate(lines):
            self._left -= len(line) + 1 - self._skip
            if self._left < 0 and (self._parts or count):
                return count
        return len(lines)

    @property
    def text(self) -> bytes:
        return b"\n".join([*self._parts, b""])
