"""The files that a build gave away for its task, streamed from Buildbot's master into the task's artifacts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from bridge.core import faults
from bridge.core.artifact import Absence, Artifact, Source
from bridge.core.outputs import expires, refused
from bridge.core.record import Output
from bridge.core.run import BuildId, Reporting, Run, Stopping

if TYPE_CHECKING:
    from bridge.engine.attaching import Attachment
    from bridge.engine.engine import Engine

_AT_ONCE: Final = 4
"""Files of one run on their way; each costs a connection to the master and one to the store, and some chunks of memory."""
_OWN: Final = ("public/logs/live", "public/properties.json", "public/buildbot/", "public/chain-of-trust")
"""Names that the bridge gives itself, and those that a bridged task must not have."""


async def attach_outputs(this: Attachment, build: BuildId) -> None:
    """Attach all of them, several at once. Raises the faults of the calls, after all have been tried; may be repeated."""
    outputs = await _listed(this, build)
    if outputs:
        this.engine.memory.giving.add(this.run.key)
    over = refused(outputs, this.pool.outputs)
    slots = asyncio.Semaphore(_AT_ONCE)
    tried = (_tried(this, build, output, over.get(output.number), slots) for output in outputs)
    _raise_first(await asyncio.gather(*tried, return_exceptions=True))


async def _listed(this: Attachment, build: BuildId) -> Sequence[Output]:
    """What there is to attach. Where Buildbot does not say for too long, the task may lack what it must carry."""
    try:
        return await this.pool.builds.outputs(build)
    except faults.Missing:
        return ()  # Buildbot has pruned the build
    except Exception as fault:  # noqa: BLE001  whatever it is, it is borne for so long and no longer
        this.bear(fault, mandatory=True)
        this.note(f"Which files the build gave could not be read from Buildbot: {fault}")
        this.lost.append("what its build gave")
        return ()


async def _tried(this: Attachment, build: BuildId, output: Output, over: str | None, slots: asyncio.Semaphore) -> None:
    await this.part(output.name, _one(this, build, output, over, slots), mandatory=output.mandatory)


def _raise_first(results: Collection[BaseException | None]) -> None:
    """Raise what one of them met; that the run takes no artifacts any more comes before a store that is away."""
    met = [result for result in results if result is not None]
    met.sort(key=lambda fault: not isinstance(fault, faults.Conflicting))
    if met:
        raise met[0]


async def _one(this: Attachment, build: BuildId, output: Output, over: str | None, slots: asyncio.Semaphore) -> None:
    async with slots:
        if over is None and output.name.startswith(_OWN):
            return this.refuse(output.name, "the name is not for builds", mandatory=output.mandatory)
        if over is not None:
            return await _refused(this, output, over)
        source = Source(output.size, output.sha256, partial(this.pool.builds.output, build, output.number))
        artifact = Artifact(output.name, output.content_type, _expires(this, output), source=source)
        await this.attach(artifact, mandatory=output.mandatory)
        return None


async def _refused(this: Attachment, output: Output, why: str) -> None:
    """Say so where the artifact would be, and in the log."""
    absence = Absence("too-large-file-on-worker", f"{output.name} was not stored: {why}.")
    await this.attach(Artifact(output.name, output.content_type, _expires(this, output), absence=absence))
    this.refuse(output.name, why, mandatory=output.mandatory)


def _expires(this: Attachment, output: Output) -> datetime:
    task = this.run.facts.expires if this.run.facts else this.engine.clock.now()
    phase = this.run.phase
    since = phase.since if isinstance(phase, Reporting | Stopping) else this.engine.clock.now()
    return expires(output, since, task)


async def release(engine: Engine, run: Run, build: BuildId | None) -> None:
    """Let Buildbot forget them once the run is over. It forgets them by itself in time, so a fault is nobody's trouble."""
    engine.memory.giving.discard(run.key)
    if build is not None:
        with suppress(faults.Fault):
            await engine.pool_of(run).builds.release(build)
