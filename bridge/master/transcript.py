"""The log of a step that has thousands of things to say: written in pieces, as each piece is a transaction."""

from __future__ import annotations

from typing import Any, Final

_LINES: Final = 200


class Transcript:
    def __init__(self, log: Any) -> None:
        self._log = log
        self._lines: list[str] = []

    async def say(self, line: str) -> None:
        """Add a line; what is no text in UTF-8, as half a surrogate pair, is shown by its escape."""
        self._lines.append(line.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n"))
        if len(self._lines) >= _LINES:
            await self.flush()

    async def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            await self._log.addStdout("".join(f"{line}\n" for line in lines))
