"""How much is tried: few and always the same examples by default, as many others as `BRIDGE_FUZZ` says."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_WISH = os.environ.get("BRIDGE_FUZZ", "")


def fuzzed(examples: int) -> settings:
    """Settings for one test; `examples` by default. Examples talk to servers, so none has a deadline of its own."""
    return settings(
        max_examples=int(_WISH) if _WISH else examples,
        derandomize=not _WISH,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
