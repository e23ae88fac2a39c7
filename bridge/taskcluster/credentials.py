"""Who calls: the permanent client, and the temporary credentials of runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.core import faults
from bridge.core.run import RunKey

# The queue accepts credentials for five minutes after their expiry; four, for clocks that differ.
_GRACE = 240.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client's name and key; never shown."""

    client_id: str
    access_token: str = field(repr=False)
    certificate: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, str]:
        """As the `taskcluster` client takes them. Raises `NotAllowed` for what is none: the client would show the secret."""
        given = {"clientId": self.client_id, "accessToken": self.access_token}
        given |= {"certificate": self.certificate} if self.certificate else {}
        for name, text in given.items():
            if not (text and text.isascii() and text.isprintable()):
                raise faults.NotAllowed(f"the credentials' {name} is empty or not printable ASCII")
        if set(self.client_id) & set('"\\'):  # as from a file of variables that keeps the quotes around a value
            raise faults.NotAllowed("the credentials' clientId has a quote or a backslash, which no client's name has")
        if self.certificate and not _is_json(self.certificate):
            raise faults.NotAllowed("the credentials' certificate is not JSON")
        return given


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


Permanent = Callable[[], Credentials]
"""Gives the permanent client's credentials as they are now: their file may have been replaced."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Since when and until when, in seconds since 1970."""

    since: float
    expiry: float
    credentials: Credentials


@dataclass(slots=True)
class RunCredentials:
    """The temporary credentials of runs, by run, in memory only. `now` gives seconds since 1970."""

    now: Callable[[], float] = time.time
    _kept: dict[RunKey, _Kept] = field(default_factory=dict, repr=False)

    def keep(self, key: RunKey, credentials: Credentials, expiry: float) -> None:
        """Keep what a claim or reclaim gave until `expiry`, seconds since 1970; drop others that have long expired."""
        self._kept.pop(key, None)  # so that the newest are last
        self._kept[key] = _Kept(self.now(), expiry, credentials)
        for old in [old for old, _ in zip(self._kept, range(10), strict=False) if self.of(old) is None]:
            del self._kept[old]

    def of(self, key: RunKey) -> Credentials | None:
        """The run's credentials, if there are any that the queue still accepts."""
        kept = self._kept.get(key)
        return kept.credentials if kept and self.now() < kept.expiry + _GRACE else None

    def half_over(self) -> list[RunKey]:
        """Runs whose credentials, and so whose claims, have lived more than half of their time; the most urgent first."""
        now = self.now()
        late = {key: kept for key, kept in self._kept.items() if now > (kept.since + kept.expiry) / 2}
        return sorted((key for key in late if self.of(key)), key=lambda key: late[key].expiry)

    def forget(self, key: RunKey) -> None:
        """Drop the run's credentials."""
        self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)
