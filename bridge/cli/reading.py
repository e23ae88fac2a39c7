"""What the database says, for people."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bridge.cli import printed
from bridge.cli.complaint import Complaint
from bridge.core import admission
from bridge.core.deployment import unserved
from bridge.core.ledger import Step
from bridge.core.run import Claim, Phase, Request, Run, RunId, RunKey, TaskId, Worker
from bridge.core.verdict import Verdict
from bridge.settings import Settings
from bridge.store import checkup, database, replicas
from bridge.store.people import People
from bridge.store.queries import query
from bridge.store.runs import Runs

_TASK = re.compile(r"([A-Za-z0-9_-]{22})(?:/([0-9]{1,3}))?")


@asynccontextmanager
async def opened_for(settings: Settings, name: str) -> AsyncIterator[database.Database]:
    """The database; what it refuses is told in words."""
    with checkup.refusals_in_words():
        async with database.opened(settings.database.address(), size=1, name=name) as opened:
            yield opened


async def status(settings: Settings) -> tuple[dict[str, Any], Group]:
    """Counts by pool and phase, margins in seconds, and the processes that serve."""
    async with opened_for(settings, "bbb status") as opened:
        people = People(opened)
        counts, margins, held = await people.counts(), await people.margins(), await people.held()
        serving = [dict(row) for row in await opened.fetch(query("replica_list"))]
        left = unserved(counts, await replicas.served(opened, "bbb status", settings.deployment()))
    data = {
        "runs": [{"pool": pool, "phase": phase, "runs": count} for (pool, phase), count in sorted(counts.items())],
        "oldest_due_age_seconds": margins.oldest_due,
        "claim_margin_seconds": margins.claim_margin,
        "held_back": [asdict(each) for each in held],
        "unserved": [{"pool": pool, "runs": runs} for pool, runs in left.items()],
        "replicas": serving,
    }
    return data, _status_words(data)


def _status_words(data: Mapping[str, Any]) -> Group:
    table = Table("pool", "phase", "runs", title="unsettled runs")
    for row in data["runs"]:
        table.add_row(row["pool"], row["phase"], str(row["runs"]))
    due, margin = data["oldest_due_age_seconds"], data["claim_margin_seconds"]
    served = ", ".join(f"{row['name']} ({row['version']}, seen {row['seen_at']:%H:%M:%S})" for row in data["replicas"])
    held = [
        f"held back: {each['runs']} of {each['pool']}: {admission.shown(each['why'], 1000)}" for each in data["held_back"]
    ]
    left = [
        f"nobody serves pool {each['pool']}, which has {each['runs']} unsettled: put it back into the services' settings"
        for each in data["unserved"]
    ]
    lines = [
        *held,
        *left,
        f"oldest debt: {'none' if due is None else f'{due:.1f} s late'}",
        f"first claim to expire: {'none' if margin is None else f'in {margin:.0f} s'}",
        f"served by: {served or 'nobody'}",
    ]
    return Group(table, Text("\n".join(lines)))


async def task(settings: Settings, asked: str, run: int | None) -> tuple[list[dict[str, Any]], Group]:
    """The rows of a task's runs and their changes of phase; `asked` is taskId or taskId/runId."""
    key, only = named(asked, run)
    async with opened_for(settings, "bbb show") as opened:
        rows = await Runs(opened, "bbb show", tuple(settings.pools)).of_task(key)
        steps = await People(opened).history(key)
    shown = {number: row for number, row in sorted(rows.items()) if only in (None, number)}
    if not shown:
        raise Complaint(
            f"the bridge has no row for {RunKey(key, RunId(only)) if only is not None else key}: the task is not of a task "
            "queue that is served here, or it was settled so long ago that its row is gone"
        )
    return [_row(row, steps) for row in shown.values()], _run_words(list(shown.values()), steps)


def named(asked: str, run: int | None) -> tuple[TaskId, int | None]:
    """Task and run of what a person wrote: taskId, or taskId/runId; `run` counts where the second is missing."""
    found = _TASK.fullmatch(asked)
    if found is None:
        raise Complaint(f"{asked!r} is not a taskId: those have 22 letters, digits, hyphens or underscores")
    return TaskId(found[1]), run if found[2] is None else int(found[2])


def _row(run: Run, steps: Sequence[Step]) -> dict[str, Any]:
    values = asdict(run)
    phase = {"phase": type(run.phase).__name__.lower(), **values.pop("phase")}
    own = [asdict(step) for step in steps if step.run_id == run.key.run_id]
    return {**values.pop("key"), **phase, **values, "transitions": own}


def _run_words(runs: Sequence[Run], steps: Sequence[Step]) -> Group:
    table = Table("run", "at", "phase", "because", "who", title=f"task {runs[0].key.task_id}")
    numbers = {run.key.run_id for run in runs}
    for step in steps:
        if step.run_id in numbers:
            change = f"{step.from_phase or '·'} → {step.to_phase}"
            table.add_row(str(step.run_id), f"{step.at:%Y-%m-%d %H:%M:%S}", change, printed.safe(step.because), step.who)
    return Group(table, Text("\n".join(f"run {run.key.run_id}: {phase_words(run.phase)}" for run in runs)))


def phase_words(phase: Phase) -> str:
    """A phase with all that is known in it, in one line."""
    known = ((field.name.replace("_", " "), getattr(phase, field.name)) for field in fields(phase))
    told = [f"{name} {_value(value)}" for name, value in known if value not in (None, False)]
    return "; ".join([type(phase).__name__.lower(), *told])


def _value(value: object) -> str:
    match value:
        case Request(id=number, created_for=run):
            return f"{number} (made for run {run})"
        case Worker(group=group, id=name):
            return f"{group}/{name}"
        case Claim(taken_until=until, reclaim_at=renewed):
            return f"until {_value(until)}, renewed from {_value(renewed)} on"
        case Verdict(resolution=resolution, why=why):
            return f"{resolution} ({admission.shown(why, 1000)})"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case True:
            return "yes"
        case _:
            return admission.shown(str(value), 1000)
