"""Answers about orders and acts of operators."""

from __future__ import annotations

from bridge.core.steering import StopKind
from bridge.status.answers.frame import Answer, Moment


class Order(Answer):
    """An order that holds new build requests back. An empty `pool` stands for all."""

    kind: StopKind
    pool: str
    builders: str
    who: str
    why: str
    since: Moment


class ActDone(Answer):
    """Something that an operator did. `outcome` is `begun` while it is under way, or where it was cut off."""

    number: int
    at: Moment
    who: str
    verb: str
    target: str
    why: str
    outcome: str


class Orders(Answer):
    """The orders in force, and the newest acts of operators."""

    orders: list[Order]
    acts: list[ActDone]


class Steered(Answer):
    """What an act came to, or would come to."""

    dry_run: bool
    """True: nothing was done, because `seen` was not sent."""
    seen: int
    """To be sent with the same, so that it is done."""
    words: str
    runs: list[str]
    """The runs that it is about, as taskId/runId; empty for an order."""
