"""The outside as values: the queue's task, Buildbot's requests, the rows; what the model's states are made of."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from bridge.core.endings import LOST_READS
from bridge.core.request import RequestState
from bridge.core.run import Building, Claim, Queued, Refused, Reporting, Run, RunId, Settled, Stopping, Wanted
from bridge.core.status import RunStatus
from tests.model.moments import rounded
from tests.unit.core.buildbot_automaton import Buildbot
from tests.unit.core.queue_automaton import QueueTask
from tests.unit.core.samples import AT

Told = tuple[str, int]
"""What a run was resolved by: the end of a request (`request`, its id), or a build's RETRY (`build`, its id)."""


@dataclass(frozen=True, slots=True)
class Task:
    """The queue's side. `told`: by what the bridge resolved runs; `deadline` never changes."""

    deadline: datetime
    retries_left: int
    runs: tuple[RunStatus, ...]
    told: frozenset[Told] = frozenset()

    def automaton(self) -> QueueTask:
        return QueueTask(self.deadline, self.retries_left, list(self.runs))

    def after(self, queue: QueueTask) -> "Task":
        return replace(self, retries_left=queue.retries_left, runs=tuple(queue.runs))


@dataclass(frozen=True, slots=True)
class Requests:
    """Buildbot's side."""

    requests: tuple[tuple[int, RequestState], ...] = ()
    stops: frozenset[int] = frozenset()
    builds: int = 0

    def automaton(self) -> Buildbot:
        return Buildbot(dict(self.requests), set(self.stops), self.builds)

    @classmethod
    def of(cls, buildbot: Buildbot) -> "Requests":
        return cls(tuple(sorted(buildbot.requests.items())), frozenset(buildbot.stops), buildbot.builds)


Rows = tuple[Run, ...]
"""The rows of the task, by run id."""


def by_number(rows: Rows) -> dict[RunId, Run]:
    return {run.key.run_id: run for run in rows}


def stored(rows: dict[RunId, Run]) -> Rows:
    """The rows as the model keeps them: times rounded, and nothing that no decision depends on."""
    return tuple(plain(rows[number]) for number in sorted(rows))


@lru_cache(maxsize=200_000)
def plain(run: Run) -> Run:
    """Counts of tries only make waits longer, and words are for people."""
    return replace(
        run,
        phase=_plain_phase(run.phase),
        look_at=rounded(run.look_at),
        not_before=rounded(run.not_before),
        attempts=0,
        missing_reads=min(run.missing_reads, LOST_READS),
        missing_since=run.missing_since and rounded(run.missing_since),
        absent_since=run.absent_since and rounded(run.absent_since),
    )


def _plain_phase(phase):
    match phase:
        case Wanted(asked=asked):
            return Wanted(None, asked)
        case Queued() | Building() | Refused():
            return replace(phase, claim=_plain_claim(phase.claim))
        case Reporting():
            return replace(phase, claim=_plain_claim(phase.claim), since=AT)
        case Stopping():
            return replace(phase, because="", since=AT, asked=0)
        case Settled():
            return Settled("", phase.request)


def _plain_claim(claim: Claim | None) -> Claim | None:
    return claim and Claim(rounded(claim.taken_until), rounded(claim.reclaim_at))
