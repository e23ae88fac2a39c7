"""Nobody steers: for an engine without operators."""

from __future__ import annotations

from bridge.core.steering import Stop


class Unsteered:
    """Holds nothing back."""

    async def stop(self, pool: str, builder: str) -> Stop | None:  # noqa: ARG002  a port
        """Nothing."""
        return None
