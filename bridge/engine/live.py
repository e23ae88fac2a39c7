"""The log of a build that runs: the task's `live.log` leads to where the bridge shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.run import Building, Run
from bridge.engine.artifacts import LIVE, TEXT, expires

if TYPE_CHECKING:
    from bridge.engine.engine import Engine


async def show(engine: Engine, run: Run) -> None:
    """Have `live.log` lead to the running build's log, once per claim of this process. A fault costs only the link.

    The address ends with the task's deadline: no run lives longer.
    """
    address_of = engine.pool_of(run).live
    if address_of is None or run.key in engine.memory.shown or not isinstance(run.phase, Building) or run.facts is None:
        return
    name = f"{run.key.task_id}/{run.phase.request.created_for}"
    address = address_of(run.key, run.phase.build, name, run.facts.deadline)
    if address is None:
        return
    try:
        await engine.queue.attach(run.key, Artifact(LIVE, TEXT, expires(engine, run), reference=address))
    except faults.Fault as fault:
        engine.observer.fault(run, "show", fault)
    else:
        engine.memory.shown.add(run.key)
