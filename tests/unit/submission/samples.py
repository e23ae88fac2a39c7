"""Tasks of a group, as short as tests want them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bridge.core.group import Member
from bridge.core.run import TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = START + timedelta(hours=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(
    state: RunState, began: float = 0, reason: str | None = None, created: str = "scheduled", worker: bool = True
) -> RunStatus:
    """A run: scheduled at `began`, started a second later, resolved two seconds later, as far as its state says so."""
    started = state is not RunState.PENDING and worker
    over = state not in (RunState.PENDING, RunState.RUNNING)
    return RunStatus(
        state,
        created,
        at(began),
        worker=Worker("buildbot", "w1") if started else None,
        started=at(began + 1) if started else None,
        reason_resolved=(reason or state) if over else None,
        resolved=at(began + 2) if over else None,
    )


def member(name: str, state: str, *runs: RunStatus, after: tuple[str, ...] = (), waits: bool = True) -> Member:
    """A task whose id is its name, repeated to the right length."""
    status = TaskStatus(identity(name), "p/w", "s", "none", "G" * 22, "lowest", LATER, LATER, 5, state, runs)
    return Member(status, name, tuple(identity(each) for each in after), waits)


def identity(name: str) -> TaskId:
    return TaskId((name * 22)[:22])
