"""Tells of calls: what was called, how it ended, how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.buildbot.wire import Told


@contextmanager
def telling(told: Told, method: str, path: str) -> Iterator[None]:
    """Tell of a call: by method and first part of the path, for nothing in metrics may grow with the runs."""
    started = time.monotonic()
    outcome = "ok"
    try:
        yield
    except Exception as fault:
        outcome = type(fault).__name__
        raise
    finally:
        told(f"{method} {path.partition('/')[0]}", outcome, time.monotonic() - started)
