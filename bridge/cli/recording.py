"""A task's history as a scenario, for people."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.cli.complaint import Complaint
from bridge.cli.reading import named, opened_for
from bridge.core.run import Run, RunId, TaskId
from bridge.scenario import Scenario
from bridge.scenario.recording import record
from bridge.scenario.writing import plain, written
from bridge.settings import Settings
from bridge.store.people import People, Step
from bridge.store.runs import Runs


def recorded(settings: Settings, asked: str, run: int | None) -> tuple[dict[str, Any], str]:
    """The scenario as plain values and as YAML; `run`: the last one that is recorded. What it lacks is said on stderr."""
    key, last = named(asked, run)
    rows, history = asyncio.run(_read(settings, key))
    if not rows or (last is not None and last not in rows):
        raise Complaint(f"the bridge has no row for {_name(key, last)}, so there is nothing to record; see `bbb show {key}`")
    scenario = record(f"Task {_name(key, last)}", rows, history, last)
    _say(scenario)
    return plain(scenario), written(scenario)


async def _read(settings: Settings, key: TaskId) -> tuple[Mapping[RunId, Run], Sequence[Step]]:
    async with opened_for(settings, "bbb record") as opened:
        rows = await Runs(opened, "bbb record", tuple(settings.pools)).of_task(key)
        return rows, await People(opened).history(key)


def _name(key: TaskId, last: int | None) -> str:
    return key if last is None else f"{key}/{last}"


def _say(scenario: Scenario) -> None:
    for note in scenario.notes:
        sys.stderr.write(f"bbb: {note}\n")
