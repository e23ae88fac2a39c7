"""Where operators act: who acts and why, whose turn it is, and the record of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.assembly import House
from bridge.core.admission import shown
from bridge.core.run import RunKey, TaskId
from bridge.core.steering import Act
from bridge.steering.errors import OvertakenError
from bridge.store.steering import Intent, Operators

Said = tuple[dict[str, Any], str]
"""The same for programs and for people."""


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and why. `trial`: only say what would be done.

    `seen`: the number of the newest act on the same thing that the operator knows of; None: whatever is newest now.
    """

    who: str
    why: str
    trial: bool
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What an act is about, looked at before anything was decided: the targets that stand in its way, the newest act."""

    about: tuple[str, ...]
    seen: int


@dataclass(slots=True)
class Turn:
    """An act under way. `outcome` is what will be kept of it."""

    number: int
    outcome: str = "done"


@dataclass(frozen=True, slots=True)
class Desk:
    """What an act needs."""

    house: House
    operators: Operators
    by: By

    async def look(self, *about: str) -> Look:
        """Look at who acted on these targets last; before anything else is read of them."""
        newest = await self.operators.newest(about) if self.by.seen is None else None
        return Look(about, self.by.seen if self.by.seen is not None else newest.number if newest else 0)

    @asynccontextmanager
    async def turn(self, look: Look, verb: str, target: str) -> AsyncIterator[Turn]:
        """Act while inside; raises `OvertakenError` where somebody else has acted since the look. Kept in any case."""
        intent = Intent(self.by.who, verb, target, self.by.why)
        match await self.operators.begin(intent, look.about, look.seen):
            case Act() as other:
                raise OvertakenError(_overtaken(other))
            case number:
                turn = Turn(number)
        try:
            yield turn
        except Exception as trouble:
            await self.operators.ended(turn.number, f"failed: {shown(str(trouble), 300)}")
            raise
        await self.operators.ended(turn.number, turn.outcome)


def of_task(task: TaskId, keys: Iterable[RunKey]) -> tuple[str, ...]:
    """The targets of all acts on a task: the task itself first, then its runs."""
    return (task, *map(str, keys))


def _overtaken(act: Act) -> str:
    return (
        f"{shown(act.who)} was first: {act.verb} of {act.target} at {act.at:%Y-%m-%d %H:%M:%S} "
        f"({shown(act.why, 200)}; {shown(act.outcome, 200)}). Nothing was changed; look again"
    )
