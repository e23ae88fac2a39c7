"""Calls that go wrong, as a scenario says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from bridge.core import faults
from bridge.core.run import RunKey, TaskId
from bridge.scenario.spans import words
from bridge.scenario.telling import BEGINNING, Notebook

T = TypeVar("T")


class Crashed(BaseException):
    """The bridge's process ends here: nothing catches this but whoever plays."""


@dataclass(slots=True)
class Trouble:
    """One step's word about calls: which, of which task, how they are answered, until when or how often."""

    call: str
    answers: str
    task: TaskId | None = None
    left: int | None = None
    until: datetime | None = None

    def takes(self, call: str, key: RunKey | None, now: datetime) -> bool:
        """Whether it is meant for this call."""
        ours = self.task is None or (key is not None and key.task_id == self.task)
        return self.call == call and ours and self.left != 0 and (self.until is None or now < self.until)


_FAULTS: Final[dict[str, Callable[[str], faults.Fault]]] = {
    "401": faults.NotAllowed,
    "403": faults.NotAllowed,
    "404": faults.Missing,
    "409": faults.Conflicting,
    "429": faults.Unavailable,
    "500": faults.Unavailable,
    "502": faults.Unavailable,
    "503": faults.Unavailable,
    "nothing": faults.Unavailable,
}


@dataclass(slots=True)
class Line:
    """Between the bridge and the two sides: each call passes here, is noted, and may be troubled."""

    notebook: Notebook
    troubles: list[Trouble] = field(default_factory=list)

    def pass_on(self, name: str, key: RunKey | None, done: Callable[[], T]) -> T:
        """Make the call, or have it go wrong; its answer or fault."""
        trouble = next((each for each in self.troubles if each.takes(name, key, self.notebook.now)), None)
        if trouble is not None and trouble.left is not None:
            trouble.left -= 1
        if trouble is not None and trouble.answers not in ("answer lost", "crash after"):
            self._refuse(name, key, trouble.answers)
        return self._answer(name, key, done, trouble)

    def _refuse(self, name: str, key: RunKey | None, answers: str) -> None:
        self.notebook.call(name, key, answers)
        if answers == "crash before":
            raise Crashed
        raise _FAULTS[answers](f"{name} was answered {answers}" if answers.isdigit() else f"{name} got no answer")

    def _answer(self, name: str, key: RunKey | None, done: Callable[[], T], trouble: Trouble | None) -> T:
        try:
            answer = done()
        except faults.Fault as fault:
            self.notebook.call(name, key, f"{type(fault).__name__.lower()}: {fault}")
            raise
        self.notebook.call(name, key, _said(answer) if trouble is None else trouble.answers)
        if trouble is None:
            return answer
        if trouble.answers == "crash after":
            raise Crashed
        raise faults.Unavailable(f"the answer to {name} was lost")


def _said(answer: object) -> str:
    match answer:
        case datetime():
            return f"until {words(answer - BEGINNING)}"
        case int():
            return f"request {answer}"
        case _:
            return "ok"
