"""What the master's administrator allows: tokens, builders and the length of a queue. All of it without effects."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate

MIN_TOKEN = 16
OLDEST = 4
"""Buildbot 3 has neither the web server's plugins nor the database's calls that the plugin needs."""
_FOR_EVER = 36_500
"""Days."""


def matcher(patterns: Iterable[str]) -> re.Pattern[str]:
    """Compile names and shell-like patterns (`*`, `?`, `[seq]`) into one expression for a whole builder name."""
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


def limit_for(builder: str, max_pending: int | Mapping[str, int], default: int) -> int:
    """Give how many pending requests `builder` may have; a mapping's key `*` stands for all it does not name."""
    if isinstance(max_pending, int):
        return max_pending
    return max_pending.get(builder, max_pending.get("*", default))


def release_problem(release: str) -> str | None:
    """Say in plain words that this Buildbot is too old, or give None; what cannot be read (a checkout) is let through."""
    major = release.partition(".")[0]
    if not major.isdigit() or int(major) >= OLDEST:
        return None
    return f"needs Buildbot {OLDEST}.0 or newer, and this master is {release}: upgrade it before you add the plugin"


def token_problem(tokens: object) -> str | None:
    """Say in plain words why these tokens cannot guard the plugin, or give None."""
    if not isinstance(tokens, list) or not tokens:
        return "token is missing: the plugin does not start without one"
    for token in tokens:
        if not isinstance(token, str) or len(token.strip()) < MIN_TOKEN:
            return f"each token must be a string of at least {MIN_TOKEN} characters"
        if not token.isascii():
            return "a token has characters that an HTTP header cannot carry"
    return None


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The accepted bearer tokens; more than one while they are being exchanged. Its repr shows none of them."""

    accepted: tuple[str, ...]

    def admit(self, header: bytes | None) -> bool:
        """Tell whether the value of an Authorization header carries one of the tokens, in constant time for each."""
        if not self.accepted or header is None or header[:7].lower() != b"bearer ":
            return False
        offered = header[7:].strip()
        matches = [hmac.compare_digest(offered, token.encode()) for token in self.accepted]
        return any(matches)


def spool_problem(directory: object, days: object, size: object) -> str | None:
    """Say in plain words why no spool can be kept so, or give None."""
    if not isinstance(directory, str) or not directory:
        return "spool must be the name of a directory"
    if not isinstance(days, int | float) or isinstance(days, bool) or not 0 < days < _FOR_EVER:
        return "spool_days must be a number above 0, and of this century"
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        return "spool_bytes must be a whole number above 0"
    return None
