"""What a play came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.core.run import TaskId
from bridge.scenario.document import Scenario
from bridge.scenario.judging import Witness
from bridge.scenario.telling import Note


@dataclass(frozen=True, slots=True)
class Played:
    """A play: what was noted, what each task came to, and every expectation that failed, in words.

    `before` and `after`: what each task had come to before each step, and after the bridge has done what it makes due, by
    the step's place. `names`: the scenario's of its tasks.
    """

    scenario: Scenario
    notes: Sequence[Note]
    tasks: dict[str, Witness]
    differences: Sequence[str]
    lasted: timedelta
    before: Sequence[dict[str, Witness]]
    after: Sequence[dict[str, Witness]]
    names: dict[TaskId, str]
