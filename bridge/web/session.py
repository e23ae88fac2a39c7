"""Who has signed in with a browser. Pure but for the clock: nothing is kept, so any process with the same token agrees."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

COOKIE: Final = "bridge-session"
LASTS: Final = timedelta(hours=12)
"""A night's watch."""
_PURPOSE: Final = "status page, reading, until "


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions are signed with the tokens of readers: one that is taken out of use ends its sessions."""

    tokens: Callable[[], Sequence[str]]
    now: Callable[[], datetime]

    @property
    def possible(self) -> bool:
        """Whether there is any token to sign in with."""
        return bool(self.tokens())

    def begun(self, shown: str) -> str | None:
        """What the browser is to keep of somebody who shows a token; None for a wrong one."""
        good = [token for token in self.tokens() if hmac.compare_digest(_bytes(shown), token.encode())]
        ends = str(int((self.now() + LASTS).timestamp()))
        return f"{ends}.{_signature(good[0], ends)}" if good else None

    def lasts(self, kept: str) -> bool:
        """Whether this was given out to somebody who had a token that is still good, and its time is not over."""
        ends, _, signature = kept.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) < 12 and int(ends) > self.now().timestamp()):
            return False
        return sum(hmac.compare_digest(_bytes(signature), _signature(each, ends).encode()) for each in self.tokens()) > 0


def _signature(token: str, ends: str) -> str:
    return hmac.new(token.encode(), f"{_PURPOSE}{ends}".encode(), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
