"""Steps, done: what each changes on the two sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.core import faults
from bridge.core.request import RequestState
from bridge.core.run import RunId, RunKey, Worker
from bridge.core.verdict import Results
from bridge.scenario.master import WORKER, Impossible
from bridge.scenario.steps import OfBuildbot, OfTaskcluster
from bridge.scenario.world import World, key_of


def at_taskcluster(world: World, step: OfTaskcluster) -> None:
    """Do what the step says. Raises `Impossible`."""
    name, now = world.scenario.task_of(step), world.notebook.now
    key = key_of(world, name, step.run)
    ledger = world.queue
    world.notebook.step(said(step), key)
    try:
        match step.taskcluster:
            case "task created":
                world.enlist(name)
            case "task cancelled":
                ledger.cancel(key.task_id, now)
            case "task rerun":
                ledger.rerun(key.task_id, now)
            case "priority changed":
                ledger.entries[key.task_id].priority = step.priority or ""
            case "deadline passed":
                _passed(world, key)
            case "claim expired":
                _expired(world, key)
            case "claimed by another":
                ledger.claim(key, Worker("elsewhere", step.worker or "their-worker"), now)
            case "resolved by another":
                ledger.end(key, step.reason or "", now)
            case "task expired":
                ledger.expire(key.task_id)
            case "worker quarantined":
                ledger.quarantined.add(step.worker or "")
            case "quarantine lifted":
                ledger.quarantined.discard(step.worker or "")
            case "messages repeated":
                ledger.repeat(key.task_id)
    except (faults.Fault, KeyError) as fault:
        raise Impossible(str(fault)) from None


def _passed(world: World, key: RunKey) -> None:
    """The queue has acted on the deadline: by itself before, or now, for it does not always take the same time."""
    entry = world.queue.entries[key.task_id]
    if world.notebook.now < entry.deadline:
        raise Impossible("the task's deadline is later")
    if entry.open:
        world.queue.end(RunKey(key.task_id, entry.last), "deadline-exceeded", world.notebook.now)


def _expired(world: World, key: RunKey) -> None:
    """The run's claim has ended: by itself before, or now, earlier than the bridge knew."""
    runs = world.queue.entries[key.task_id].runs
    if not any(run.reason_resolved == "claim-expired" for run in runs[max(0, key.run_id - 1) : key.run_id + 1]):
        world.queue.end(key, "claim-expired", world.notebook.now)


def at_buildbot(world: World, step: OfBuildbot) -> None:
    """Do what the step says. Raises `Impossible`."""
    world.notebook.step(said(step), None if step.buildbot in _OF_MASTER else _key(world, step))
    if step.buildbot in _OF_MASTER:
        _OF_MASTER[step.buildbot](world, step)
    else:
        _OF_REQUEST[step.buildbot](world, step, _request(world, step))


def _stopped(world: World, _: OfBuildbot) -> None:
    world.master.go(world.notebook.now, results=Results.CANCELLED)


def _killed(world: World, _: OfBuildbot) -> None:
    world.master.go(world.notebook.now, results=Results.RETRY)


def _down(world: World, _: OfBuildbot) -> None:
    world.master.up = False


def _up(world: World, _: OfBuildbot) -> None:
    """The master is back: it answers, and whoever watches it lists everything anew."""
    world.master.up = True
    world.master.told.update(dict.fromkeys(world.master.requests))


def _full(world: World, step: OfBuildbot) -> None:
    world.master.full.add(step.builder or "")


def _has_room(world: World, step: OfBuildbot) -> None:
    world.master.full.discard(step.builder or "")


def _removed(world: World, step: OfBuildbot) -> None:
    world.master.removed.add(step.builder or "")


_OF_MASTER: Final[dict[str, Callable[[World, OfBuildbot], None]]] = {
    "builder full": _full,
    "builder has room": _has_room,
    "builder removed": _removed,
    "master down": _down,
    "master up": _up,
    "master stopped": _stopped,
    "master killed": _killed,
}


def _start(world: World, step: OfBuildbot, request: RequestState) -> None:
    world.master.start(request, step.worker or WORKER, world.notebook.now)


def _end(world: World, step: OfBuildbot, request: RequestState) -> None:
    results = Results[step.results or "SUCCESS"]
    world.master.end(request, results, world.notebook.now, whole=step.request == "complete")


def _complete(world: World, step: OfBuildbot, request: RequestState) -> None:
    world.master.complete(request, Results[step.results or "SUCCESS"], world.notebook.now)


def _cancel(world: World, _: OfBuildbot, request: RequestState) -> None:
    world.master.cancel(request.external_id, world.notebook.now)


def _lose(world: World, _: OfBuildbot, request: RequestState) -> None:
    world.master.lost.add(request.request_id)


def _rebuild(world: World, _: OfBuildbot, __: RequestState) -> None:
    world.master.rebuild()


def _lose_worker(world: World, _: OfBuildbot, request: RequestState) -> None:
    world.master.end(request, Results.RETRY, world.notebook.now)


_OF_REQUEST: Final[dict[str, Callable[[World, OfBuildbot, RequestState], None]]] = {
    "build started": _start,
    "build ended": _end,
    "request complete": _complete,
    "request cancelled": _cancel,
    "request lost": _lose,
    "rebuilt by a person": _rebuild,
    "worker lost": _lose_worker,
}


def _key(world: World, step: OfBuildbot) -> RunKey:
    """The run that the request was made for."""
    task = world.ids[world.scenario.task_of(step)]
    made = [run for run in range(1000) if world.master.find(f"{task}/{run}")] if step.run is None else [step.run]
    return RunKey(task, RunId(made[-1] if made else 0))


def _request(world: World, step: OfBuildbot) -> RequestState:
    found = world.master.find(str(_key(world, step)))
    if found is None:
        raise Impossible("Buildbot has no build request for the run at this time")
    return found


def said(step: OfTaskcluster | OfBuildbot) -> str:
    """The step in words."""
    side = "taskcluster" if isinstance(step, OfTaskcluster) else "buildbot"
    kept = step.model_dump(exclude_defaults=True, exclude={"at", "task", "run", side, "unheard"})
    more = ", ".join(f"{name} {value}" for name, value in kept.items())
    lost = " (no message comes)" if step.unheard else ""
    return f"{side}: {getattr(step, side)}{f', {more}' if more else ''}{lost}"
