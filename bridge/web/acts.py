"""All that operators can do over the API, in one table: routes are made of it, and so is the API's document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from bridge.status import answers
from bridge.web import bodies

Verb = Literal[
    "pause",
    "resume",
    "deny",
    "allow",
    "drain",
    "undrain",
    "retry",
    "release",
    "cancel",
    "deadletter-replay",
    "deadletter-drop",
]
PLACE: Final = "acts"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do: its name below `PLACE`, what is sent."""

    verb: Verb
    summary: str
    body: type[bodies.Body]

    @property
    def name(self) -> str:
        """Its name in the document."""
        first, *others = self.verb.split("-")
        return f"{first}{''.join(map(str.capitalize, others))}"


ACTS: Final = (
    Act("pause", "Make no new build requests for a pool, or some of its builders", bodies.OfPool),
    Act("resume", "End what `pause` began, with the same pool and builder", bodies.OfPool),
    Act("deny", "Make no new build requests for a builder in any pool, at once: the kill switch", bodies.OfBuilder),
    Act("allow", "End what `deny` began, with the same builder", bodies.OfBuilder),
    Act("drain", "Make no new build requests at all", bodies.OfAll),
    Act("undrain", "End what `drain` began", bodies.OfAll),
    Act("retry", "Have what a run owes tried now, whatever wait was agreed", bodies.OfRun),
    Act("release", "Take a run from the process that acts for it, so that another goes on with it", bodies.OfRun),
    Act(
        "cancel",
        "Cancel a task in Taskcluster, where the bridge's client may; its build follows",
        bodies.OfTask,
    ),
    Act(
        "deadletter-replay",
        "Read a message again that could not be read; it is dropped if that goes well",
        bodies.OfLetter,
    ),
    Act("deadletter-drop", "Forget a message that could not be read", bodies.OfLetter),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done, and by whom."""

    verb: Verb
    body: bodies.Body
    who: str


Steer = Callable[[Asked], Awaitable[answers.Steered]]
"""Does it; raises `bridge.steering.errors.SteeringError`, and the faults of the sides."""
