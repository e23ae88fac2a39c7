"""Gathers a bounded piece of a log from Buildbot's chunks of it. All of it without effects."""

from __future__ import annotations

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
        for line in lines[self.next_line - first_line :]:
            self._left -= len(line) + 1 - self._skip
            if self._left < 0 and self._parts:
                self.full = True
                return
            self._parts.append(line[self._skip :])
            self.next_line += 1
        self.full = self._left <= 0

    @property
    def text(self) -> bytes:
        return b"\n".join([*self._parts, b""])
