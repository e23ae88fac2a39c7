"""One attempt to attach what a run carries: what is stored stays stored, what cannot be is told, in the log and by alarm."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bridge.core import faults
from bridge.core.artifact import Artifact, Stored
from bridge.core.run import Run

if TYPE_CHECKING:
    from bridge.engine.engine import Engine
    from bridge.engine.pool import Pool

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Whether it was tried for long enough to store what may be left out, and what the task must carry."""

    optional_over: bool = False
    mandatory_over: bool = False

    def over(self, *, mandatory: bool) -> bool:
        """Whether a fault of the store is not waited for any more."""
        return self.mandatory_over if mandatory else self.optional_over


@dataclass(slots=True)
class Attachment:
    """`notes`: what is not there, for the log's reader; `lost`: the names of those among it that the task must carry."""

    engine: Engine
    run: Run
    patience: Patience
    notes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def pool(self) -> Pool:
        """The run's pool."""
        return self.engine.pool_of(self.run)

    @property
    def stored(self) -> Mapping[str, Stored | None]:
        """What this process has attached to the run, by name; None for what has no bytes."""
        return self.engine.memory.stored.get(self.run.key, {})

    async def attach(self, artifact: Artifact, *, mandatory: bool = False, plain: Stored | None = None) -> None:
        """Attach it, once; `plain` is what counts as stored where the bytes are sent encoded.

        Raises `Conflicting`, and `Unavailable` until the patience is over; any other refusal is noted.
        """
        if artifact.name in self.stored:
            return
        try:
            await self.engine.queue.attach(self.run.key, artifact)
        except (faults.Unfit, faults.Missing) as fault:
            self.refuse(artifact.name, str(fault), mandatory=mandatory)
        except faults.Unavailable as fault:
            if not self.patience.over(mandatory=mandatory):
                raise
            self.give_up(artifact.name, f"it could not be stored: {fault}", mandatory=mandatory)
        else:
            known = self.engine.memory.stored.setdefault(self.run.key, {})
            known[artifact.name] = plain or _of(artifact)

    async def read(self, what: str, reading: Awaitable[T]) -> T | None:
        """What Buildbot tells; None, and a note, where it cannot. Raises other faults until the patience is over."""
        try:
            return await reading
        except faults.Missing as gone:
            self.note(f"Buildbot does not tell of {what}: {gone}")
        except Exception as fault:  # noqa: BLE001  whatever it is, it is borne for so long and no longer
            self.bear(fault)
            self.give_up(what, f"it could not be read from Buildbot: {fault}", mandatory=False)
        return None

    async def part(self, name: str, work: Awaitable[None], *, mandatory: bool = False) -> None:
        """Do a part of it all; once the patience is over, what goes wrong in it costs no more than this part.

        Raises `Conflicting` always.
        """
        try:
            await work
        except faults.Conflicting:
            raise
        except Exception as fault:  # noqa: BLE001  whatever it is, it is borne for so long and no longer
            self.bear(fault, mandatory=mandatory)
            self.give_up(name, f"{type(fault).__name__}: {fault}", mandatory=mandatory)

    def bear(self, fault: Exception, *, mandatory: bool = False) -> None:
        """Raise it again, unless it was waited for long enough, or the request itself was refused."""
        if not self.patience.over(mandatory=mandatory) and not isinstance(fault, faults.Unfit):
            raise fault
        if not isinstance(fault, faults.Fault):
            self.engine.observer.defect(self.run, "attach", fault)

    def note(self, sentence: str) -> None:
        """Say something in the log, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def refuse(self, name: str, why: str, *, mandatory: bool) -> None:
        """Leave out what can never be stored."""
        self._leave_out(name, why, mandatory=mandatory)
        self.engine.observer.alarm("artifact_refused", self.run.key, f"{name}: {why}")

    def give_up(self, name: str, why: str, *, mandatory: bool) -> None:
        """Leave out what could not be stored for too long."""
        self._leave_out(name, why, mandatory=mandatory)
        self.engine.observer.alarm("artifacts_given_up", self.run.key, f"{name}: {why}")

    def _leave_out(self, name: str, why: str, *, mandatory: bool) -> None:
        self.notes.append(f"{name} is not among the artifacts: {why}")
        if mandatory:
            self.lost.append(name)


def _of(artifact: Artifact) -> Stored | None:
    if artifact.source is not None:
        return Stored(artifact.name, artifact.source.size, artifact.source.sha256)
    if artifact.body is None:
        return None
    return Stored(artifact.name, len(artifact.body), hashlib.sha256(artifact.body).hexdigest())
