"""What a dry run tells others: nothing."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

from bridge.assembly import House
from bridge.core.events import Hinted
from bridge.core.run import Run, RunId, RunKey, TaskId, Wanted
from bridge.engine.backoff import Backoff
from bridge.engine.crew import Crew
from bridge.engine.engine import Engine
from bridge.engine.observer import Observer
from bridge.engine.sweeps import Sweeps
from bridge.rehearsal.house import rehearsing

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = RunKey(TaskId("A" * 22), RunId(0))
UNUSED: Any = None


@dataclass
class Followed:
    """Notes which runs are followed."""

    spans: list[RunKey] = field(default_factory=list)

    def span(self, key: RunKey, name: str) -> AbstractContextManager[None]:
        del name
        self.spans.append(key)
        return nullcontext()

    def moved(self, before: Run | None, after: Run, because: str) -> None: ...


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return AT


async def test_what_is_only_noted_is_in_no_trace_of_what_was_done() -> None:
    followed = Followed()
    real = Engine(
        "me", UNUSED, UNUSED, {}, UNUSED, Standing(), Backoff(Random(1)), cast(Observer, object()), tracing=followed
    )
    house = House(UNUSED, UNUSED, cast(Any, Standing()), UNUSED, {}, real, Crew(real), Sweeps(real))
    dry, rows = rehearsing(house, foreign=False)
    rows.put([Run(KEY, "linux", Wanted(), AT, AT)])
    await dry.engine.hear(KEY, Hinted(AT))
    assert followed.spans == []
