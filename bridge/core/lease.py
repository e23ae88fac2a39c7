"""How long one process may act for a run, and why it stops before its lease ends."""

from __future__ import annotations

from datetime import datetime, timedelta

LEASE = timedelta(seconds=30)
# A process trusts its lease for less than it lasts, counted from when it asked: its clock and the database's may
# differ in speed, an answer may have been long under way. What it does after that is harmless all the same (every
# effect is idempotent and every save is checked by version); the window only saves double work.
TRUST = timedelta(seconds=20)


def trusted(asked_at: datetime, now: datetime) -> bool:
    """Whether a lease asked for at `asked_at` may still be acted on."""
    return now - asked_at < TRUST
