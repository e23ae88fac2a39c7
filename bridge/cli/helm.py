"""What the status API is asked to do, brought to the room that does it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.assembly import House
from bridge.core.run import TaskId
from bridge.core.steering import StopKind
from bridge.status import answers
from bridge.steering import acts, orders
from bridge.steering.desk import By, Desk, Said
from bridge.store.steering import Operators
from bridge.web import bodies
from bridge.web.acts import Asked


@dataclass(frozen=True, slots=True)
class Helm:
    """Acts with an open house."""

    house: House

    async def steer(self, asked: Asked) -> answers.Steered:
        """Do it, or say what would be done; raises `SteeringError` and the faults of the sides."""
        by = By(asked.who, asked.body.reason, trial=asked.body.seen is None, seen=asked.body.seen)
        await self.house.clock.ask(self.house.database)
        data, words = await _done(Desk(self.house, Operators(self.house.database), by), asked)
        runs = data.get("runs") or ([data["run"]] if "run" in data else [])
        return answers.Steered(dry_run=by.trial, seen=data["seen"], words=words.strip(), runs=runs)


async def _done(here: Desk, asked: Asked) -> Said:
    match asked.body:
        case bodies.OfRun(task_id=task, run_id=run):
            return await (acts.retry if asked.verb == "retry" else acts.release)(here, TaskId(task), run)
        case bodies.OfTask(task_id=task):
            return await acts.cancel(here, TaskId(task))
        case bodies.OfLetter(id=number):
            return await (acts.replay if asked.verb == "deadletter-replay" else acts.drop)(here, number)
        case _:
            return await (orders.lift if asked.verb in _LIFTED else orders.give)(here, _target(asked))


_LIFTED = {"resume", "allow", "undrain"}


def _target(asked: Asked) -> orders.Target:
    match asked.body:
        case bodies.OfPool(pool=pool, builder=builder):
            return orders.Target(StopKind.PAUSED, pool, builder)
        case bodies.OfBuilder(builder=builder):
            return orders.Target(StopKind.DENIED, "", builder)
        case _:
            return orders.Target(StopKind.DRAINING, "", "*")
