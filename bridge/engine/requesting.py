"""From a pending run to a build request: read, judge, then ask Buildbot under the run's key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bridge.core import chain, faults
from bridge.core.admission import refusal
from bridge.core.commands import Reprioritise
from bridge.core.events import (
    Asking,
    HeldBack,
    Hinted,
    Inadmissible,
    Reprioritised,
    RequestMissing,
    RequestSeen,
    Submitted,
    TaskSeen,
)
from bridge.core.order import LeftAlone, Order, Refusal
from bridge.core.run import Request, Run, RunId, RunKey, Wanted
from bridge.core.status import RunState, buildbot_priority, run_in
from bridge.engine.recovering import called_back, predecessors_request, telling

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

_LEFT_ALONE = timedelta(minutes=10)
_STOPPED = timedelta(minutes=1)
_SEARCH = timedelta(minutes=1)
UNKNOWN_PRIORITY = ""
"""Differs from all that a task can have, so that Buildbot is told the task's own."""
_QUEUE_FULL = 5.0  # seconds, where Buildbot's plugin names no wait


async def request_build(engine: Engine, run: Run) -> Mapping[RunId, Run]:
    """Bring a Wanted run on its way: to a request, to a refusal, or to a named reason to wait."""
    at = engine.clock.now()
    status = await engine.queue.status(run.key.task_id)
    seen = TaskSeen(at, status, engine.pool_of(run).rules)
    pending = run_in(status, run.key.run_id)
    if pending is not None and pending.state is RunState.PENDING and at < status.deadline:
        return await _judged(engine, run, seen)
    rows = await engine.hear(run.key, seen)
    now = rows.get(run.key.run_id, run)
    if not isinstance(now.phase, Wanted):
        return rows
    if pending is not None and pending.state is not RunState.PENDING:
        return await _search(engine, now, seen, ended=pending.state is not RunState.RUNNING)
    why = "Taskcluster does not show the run yet" if pending is None else "the task's deadline has passed"
    return await engine.hear(now.key, _held(engine, now, at, why))


async def _judged(engine: Engine, run: Run, seen: TaskSeen) -> Mapping[RunId, Run]:
    """The run is pending: judge its definition and submit, unless a predecessor's request passes to it."""
    pool = engine.pool_of(run)
    definition = await engine.queue.definition(run.key.task_id)
    verdict = await engine.admit(run.key, definition, seen.status, pool.policy)
    match verdict:
        case Refusal(reason=reason):
            return await engine.hear(run.key, seen, Inadmissible(seen.at, reason, pool.rules))
        case LeftAlone(why=why):
            return await engine.hear(run.key, seen, HeldBack(seen.at, seen.at + _LEFT_ALONE, why))
        case Order():
            return await _submit(engine, run, seen, verdict)


async def _submit(engine: Engine, run: Run, seen: TaskSeen, order: Order) -> Mapping[RunId, Run]:
    """Write down that a submit is under way, then send it. No submit while an older run may still hand its request on."""
    teller = await telling(engine, run, seen)
    if teller is None and (inherited := await predecessors_request(engine, run, seen)) is not None:
        return inherited
    held = await _stopped(engine, run, seen, order) or _waits_for_room(engine, run, seen, order)
    if held is not None:
        return await engine.hear(run.key, seen, held)
    rows = await engine.hear(run.key, seen, Asking(seen.at, order.builder, teller))
    now = rows.get(run.key.run_id)
    if now is None or not isinstance(now.phase, Wanted):
        return rows  # nothing is sent that is not written down: the row may be lost meanwhile
    if (older := chain.holding(rows, run.key.run_id)) is not None:
        return await engine.hear(run.key, _held(engine, run, seen.at, f"run {older} still holds a build request"))
    if not chain.tells(rows, teller):
        return await _lost(engine, run, seen)
    try:
        return await _sent(engine, now, await _answered(engine, now, seen, order, _priority_of(run, seen)))
    except faults.NotAllowed as shut:
        engine.observer.alarm("not_allowed", run.key, str(shut))
        return await engine.hear(run.key, _unsent(engine, run, seen, str(shut)))


async def _sent(engine: Engine, run: Run, answer: Submitted | HeldBack | Inadmissible) -> Mapping[RunId, Run]:
    """Write down what Buildbot answered, and take back what nobody waits for any more."""
    rows = await engine.hear(run.key, answer)
    if isinstance(answer, Submitted):
        await called_back(engine, run, rows, answer)
    return rows


async def _lost(engine: Engine, run: Run, seen: TaskSeen) -> Mapping[RunId, Run]:
    """The row that told of an older run's request is lost since it was read: the request is looked for."""
    if (inherited := await predecessors_request(engine, run, seen)) is not None:
        return inherited
    return await engine.hear(run.key, _held(engine, run, seen.at, "the row of an older run was lost"))


def _unsent(engine: Engine, run: Run, seen: TaskSeen, why: str) -> HeldBack:
    """Nothing came in at Buildbot, so what is known of earlier submits stays as it was before this one."""
    return replace(_held(engine, run, seen.at, why), asked=isinstance(run.phase, Wanted) and run.phase.asked)


def _priority_of(run: Run, seen: TaskSeen) -> str:
    """The priority that the request gets; not known where an earlier submit may have made it with another one."""
    asked_before = isinstance(run.phase, Wanted) and run.phase.asked
    return UNKNOWN_PRIORITY if asked_before else seen.status.priority


async def _answered(
    engine: Engine, run: Run, seen: TaskSeen, order: Order, priority: str
) -> Submitted | HeldBack | Inadmissible:
    pool, at = engine.pool_of(run), engine.clock.now()
    try:
        request = await pool.builds.submit(run.key, order)
    except faults.Full as full:
        engine.memory.close((pool.name, order.builder), at + timedelta(seconds=full.retry_after or _QUEUE_FULL))
        return HeldBack(at, _turn(engine, run, seen, order), str(full), asked=False)
    except faults.Unfit as unfit:
        return Inadmissible(at, refusal([f"Buildbot does not take the build: {unfit}."]).reason, pool.rules)
    except faults.Conflicting as conflict:
        engine.observer.alarm("key_conflict", run.key, str(conflict))
        return HeldBack(at, at + _LEFT_ALONE, str(conflict), asked=True)
    engine.memory.forget(run.key)
    return Submitted(at, Request(request, run.key.run_id), order.builder, priority)


async def _stopped(engine: Engine, run: Run, seen: TaskSeen, order: Order) -> HeldBack | None:
    """Hold the run back where an operator wants no new requests; lifting that makes it look again at once."""
    stop = await engine.steering.stop(run.pool, order.builder)
    return None if stop is None else HeldBack(seen.at, seen.at + _STOPPED, stop.words)


def _waits_for_room(engine: Engine, run: Run, seen: TaskSeen, order: Order) -> HeldBack | None:
    """Hold the run back without a call where the builder has just refused another: one that asks is enough."""
    if engine.memory.closed((run.pool, order.builder), seen.at) is None:
        return None
    why = f"builder {order.builder} takes no more build requests at the moment"
    return HeldBack(seen.at, _turn(engine, run, seen, order), why)


def _turn(engine: Engine, run: Run, seen: TaskSeen, order: Order) -> datetime:
    room = engine.memory.rooms[run.pool, order.builder]
    room.waiting.add(run.key)
    return room.turn(seen.at, seen.status.priority, seen.status.deadline)


async def _search(engine: Engine, run: Run, seen: TaskSeen, *, ended: bool) -> Mapping[RunId, Run]:
    """The run was claimed by us already, so its row was lost: look for its request, never make one.

    A run that has `ended` is over if it has none, and hands it on if it has one: the next status read does either.
    """
    pool, at = engine.pool_of(run), engine.clock.now()
    state = await pool.builds.find(run.key)
    if state is not None:
        return await engine.hear(run.key, RequestSeen(at, state, pool.rules), Hinted(at))
    if (inherited := await predecessors_request(engine, run, seen)) is not None:
        return inherited
    if ended:
        return await engine.hear(run.key, RequestMissing(at, at, pool.rules), Hinted(at))
    definition, status = await asyncio.gather(engine.queue.definition(run.key.task_id), engine.queue.status(run.key.task_id))
    if isinstance(refusal := await engine.admit(run.key, definition, status, pool.policy), Refusal):
        return await engine.hear(run.key, Inadmissible(at, refusal.reason, pool.rules))
    why = "claimed by this bridge before its rows were lost; its build request is being looked for"
    return await engine.hear(run.key, HeldBack(at, at + _SEARCH, why, asked=True))


def _held(engine: Engine, run: Run, at: datetime, why: str) -> HeldBack:
    return HeldBack(at, engine.backoff.until(at, run.attempts + 1), why)


async def reprioritise(engine: Engine, run: Run, command: Reprioritise) -> Mapping[RunId, Run]:
    """Tell Buildbot the task's new priority; a request that is gone or started has no use for it."""
    key = RunKey(run.key.task_id, command.request.created_for)
    at = engine.clock.now()
    with suppress(faults.Missing, faults.Conflicting):
        await engine.pool_of(run).builds.set_priority(key, buildbot_priority(command.priority))
    return await engine.hear(run.key, Reprioritised(at, command.priority))
