"""The ids of a run's trace, made of its name. Pure."""

from __future__ import annotations

import hashlib

from bridge.core.run import RunKey


def trace_id(key: RunKey) -> int:
    """The run's trace: 128 bits, the same everywhere, never 0 but by a chance that does not come."""
    return int.from_bytes(_digest(key)[:16])


def whole_id(key: RunKey) -> int:
    """The span that stands for the whole run, above all others: 64 bits."""
    return int.from_bytes(_digest(key)[16:24])


def _digest(key: RunKey) -> bytes:
    return hashlib.sha256(f"buildbot-bridge run {key}".encode()).digest()
