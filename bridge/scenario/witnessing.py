"""What a play's notes and ledgers say of a task."""

from __future__ import annotations

from bridge.core.request import RequestState
from bridge.core.run import RunId, RunKey, TaskId
from bridge.core.status import RunStatus
from bridge.core.verdict import Results
from bridge.scenario.judging import SeenRun, Witness
from bridge.scenario.telling import READS, Note, owes
from bridge.scenario.world import World


def witness(world: World, name: str) -> Witness:
    """The task as it went so far."""
    task_id = world.ids[name]
    mine = [note for note in world.notebook.notes if note.key is None or note.key.task_id == task_id]
    states = [each for each in world.master.requests.values() if each.external_id.partition("/")[0] == task_id]
    built = [build for each in states for build in each.builds]
    entry = world.queue.entries.get(task_id)
    known = entry.runs if entry else []
    numbers = sorted({*range(len(known)), *world.rows.rows.get(task_id, {})})
    return Witness(
        runs={n: _run(world, RunKey(task_id, RunId(n)), mine, known[n] if n < len(known) else None) for n in numbers},
        requests=len(states),
        builds=tuple(_ended(build.results) for build in sorted(built, key=lambda build: build.build_id)),
        retries_left=entry.retries_left if entry else None,
        alarms=_alarms(mine, task_id),
        reads=frozenset(note.what for note in mine if note.kind == "call" and note.what in READS),
    )


def _run(world: World, key: RunKey, mine: list[Note], known: RunStatus | None) -> SeenRun:
    own = [note for note in mine if note.key == key]
    row = world.rows.rows.get(key.task_id, {}).get(key.run_id)
    return SeenRun(
        phases=tuple(note.after for note in own if note.kind == "phase" and note.after is not None),
        state=known.state.value if known else "unknown",
        reason=known.reason_resolved if known else None,
        calls=tuple(note.what for note in own if note.kind == "call" and note.what not in READS),
        owes=tuple(debt.what for debt in owes(row)) if row else (),
        log=world.calls.texts.get(key, ""),
        request=_request(world.master.find(str(key))),
    )


def _request(state: RequestState | None) -> str:
    if state is None:
        return "none"
    return _ended(state.results) if state.complete else "open"


def _ended(results: int | None) -> str:
    return "running" if results is None else Results(results).name


def _alarms(mine: list[Note], task_id: TaskId) -> tuple[str, ...]:
    raised = (note for note in mine if note.kind == "alarm" and note.key is not None and note.key.task_id == task_id)
    return tuple(sorted({note.what.partition(":")[0] for note in raised}))
