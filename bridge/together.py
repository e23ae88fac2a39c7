"""Tasks that live and die together, and leave the task that waits for them as it was.

`asyncio.TaskGroup` of Python 3.11 and 3.12 cancels its own parent when a child fails, and takes that back only where the
parent was still in the body of `async with`. One that waits at its end is left with the mark of a cancellation (its
`cancelling()` does not return to what it was), and Python 3.11.2, which is Debian 12's, takes every later `asyncio.timeout`
in that task for a cancellation from elsewhere: the task dies where it should have heard of a TimeoutError.
"""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Final

_MARKS: Final = sys.version_info < (3, 13)


class Together(asyncio.TaskGroup):  # noqa: TID251  the one place
    """A TaskGroup that takes back all that it did to its parent."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        early = self._cancelled_parent()
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            if self._cancelled_parent() and not early:
                self._take_back()

    def _cancelled_parent(self) -> bool:
        return bool(getattr(self, "_parent_cancel_requested", False))

    def _take_back(self) -> None:
        if _MARKS and (parent := asyncio.current_task()) is not None:
            parent.uncancel()
