"""What a play notes, in order: steps, calls, changes of phase, alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bridge.core.debts import debts
from bridge.core.run import Run, RunKey

BEGINNING: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""The time at which every scenario begins: no play depends on today."""
OF_TASKS: Final = frozenset({"status", "definition"})
"""Calls that are about a task, and no single run of it."""
READS: Final = OF_TASKS | {"find", "state"}


@dataclass(frozen=True, slots=True)
class Debt:
    """What a run owes, and from when."""

    what: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """One line of a play. `kind`: `step`, `call`, `phase`, `alarm`, `trouble`; `what` says it in words.

    A `call` has the `answer` that the bridge got and whether it was `done`; a `phase` has the phases before and after,
    and what is `owed` then.
    """

    at: datetime
    kind: str
    what: str
    key: RunKey | None = None
    before: str | None = None
    after: str | None = None
    answer: str | None = None
    owed: tuple[Debt, ...] = ()


@dataclass(slots=True)
class Notebook:
    """Takes notes as the engine's observer, and for everybody else; `now` is moved by whoever plays."""

    now: datetime = BEGINNING
    notes: list[Note] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    def step(self, what: str, key: RunKey | None = None) -> None:
        """Something happened outside, or to the bridge."""
        self.notes.append(Note(self.now, "step", what, key))

    def call(self, name: str, key: RunKey | None, answer: str) -> None:
        """The bridge made a call; a sweep's bulk read (no `key`) is told of only if it fails."""
        if key is not None or answer != "ok":
            self.notes.append(Note(self.now, "call", name, key, answer=answer))

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        """A row changed its phase, or is new."""
        was = phase_of(before) if before else None
        self.notes.append(Note(self.now, "phase", because, after.key, was, phase_of(after), owed=owes(after)))

    def alarm(self, what: str, key: RunKey | None, detail: str) -> None:
        """A person should look."""
        self.notes.append(Note(self.now, "alarm", f"{what}: {detail}", key))

    def fault(self, run: Run, command: str, fault: Exception) -> None:
        """What was owed could not be done now."""
        self.notes.append(Note(self.now, "trouble", f"{command}: {fault}", run.key))

    def away(self, what: str, fault: Exception) -> None:
        """Something that all work needs cannot be reached."""
        self.notes.append(Note(self.now, "trouble", f"{what} is away: {fault}"))

    def defect(self, run: Run, command: str, defect: Exception) -> None:
        """The bridge, or this stand-in, is wrong."""
        self.poison(run.key, defect, command)

    def poison(self, key: RunKey, defect: Exception, command: str = "a row") -> None:
        """The bridge, or this stand-in, is wrong."""
        self.defects.append(f"{command} of {key}: {defect!r}")

    def found(self, kind: str, count: int) -> None:
        """A sweep found what no message had told of."""
        if count:
            self.notes.append(Note(self.now, "trouble", f"the {kind} sweep found {count} that no message told of"))


def phase_of(run: Run) -> str:
    """The phase's name as rows have it."""
    return type(run.phase).__name__.lower()


def owes(run: Run) -> tuple[Debt, ...]:
    """All that the run owes or will owe, without the look that every run owes in the end, most important first."""
    return tuple(Debt(type(command).__name__, when) for when, command in debts(run) if type(command).__name__ != "Look")
