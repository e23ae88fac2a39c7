"""How each command is performed: the calls it makes, and the events that their answers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.core import commands
from bridge.core.commands import Command
from bridge.core.run import Run, RunId

if TYPE_CHECKING:
    from bridge.engine.engine import Engine


async def perform(engine: Engine, run: Run, command: Command) -> Mapping[RunId, Run]:
    """Do what the run owes; the task's rows after the answer was heard. Faults of the calls are raised."""
    from bridge.engine import claiming, looking, reporting, requesting, stopping

    match command:
        case commands.Look():
            return await looking.look(engine, run)
        case commands.RequestBuild():
            return await requesting.request_build(engine, run)
        case commands.Reprioritise():
            return await requesting.reprioritise(engine, run, command)
        case commands.ClaimRun(worker=worker):
            return await claiming.claim(engine, run, worker)
        case commands.ReclaimRun(worker=worker):
            return await claiming.reclaim(engine, run, worker)
        case commands.Report():
            return await reporting.report(engine, run, command)
        case commands.Explain():
            return await reporting.explain(engine, run, command)
        case commands.CancelRequest():
            return await stopping.cancel_request(engine, run, command)
        case commands.AttachLeftovers():
            return await stopping.attach_leftovers(engine, run, command)
