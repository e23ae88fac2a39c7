"""Asks all sides at once, and gives the findings in the order of the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bridge.doctor import buildbots, database, pulse, taskcluster
from bridge.doctor.finding import Finding, failure, ok, warning
from bridge.settings import Settings, SettingsError, load
from bridge.settings.shown import advice

_LIMIT: Final = 60.0
"""Seconds for everything about one side."""


async def examine(config: Path | None) -> list[Finding]:
    """Examine what the settings name; wrong settings are findings as well, and then the only ones."""
    try:
        settings = load(config)
    except SettingsError as error:
        return [failure("settings", each, "Correct it; `bbb config check` looks again.") for each in error.problems]
    sides: Mapping[str, AsyncIterator[Finding]] = {
        "database": database.look(settings),
        "taskcluster": taskcluster.look(settings),
        "pulse": pulse.look(settings),
        **{f"buildbot {name}": buildbots.look(settings, name) for name in settings.buildbots},
    }
    found = await asyncio.gather(*(_all(name, side) for name, side in sides.items()))
    return [*_settings(settings), *(finding for side in found for finding in side)]


def _settings(settings: Settings) -> Sequence[Finding]:
    said = [warning("settings", *_halves(each)) for each in advice(settings)]
    return said or [ok("settings", f"{len(settings.pools)} pools, {len(settings.buildbots)} Buildbots")]


def _halves(advised: str) -> tuple[str, str]:
    """What is unwise, and the sentence after it on what to do."""
    found, _, remedy = advised.partition(". ")
    return found, remedy


async def _all(subject: str, side: AsyncIterator[Finding]) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(_LIMIT):
            async for finding in side:
                found.append(finding)  # noqa: PERF401  what was found before a failure counts
    except TimeoutError:
        found.append(failure(subject, f"no answer within {_LIMIT:.0f} s", "See whether it is overloaded, and try again."))
    except Exception as error:  # noqa: BLE001  one side's surprise must not hide what the others say
        found.append(failure(subject, f"unexpected: {type(error).__name__}: {error}", "Please report this."))
    return found
