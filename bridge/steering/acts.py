"""What operators do to one run, or to one message that could not be read."""

from __future__ import annotations

from bridge.core import faults
from bridge.core.admission import shown
from bridge.core.debts import owed
from bridge.core.events import Hinted, Urged
from bridge.core.run import Run, RunKey, Settled, TaskId
from bridge.core.status import TaskStatus
from bridge.steering.desk import Desk, Look, Said, of_task
from bridge.steering.errors import AbsentError, ForbiddenError, ImpossibleError
from bridge.store.people import DeadLetter, People
from bridge.taskcluster import messages


async def retry(here: Desk, task: TaskId, run: int | None) -> Said:
    """Have what a run owes tried now, whatever wait was agreed; nothing is done twice by that."""
    look, runs = await _unsettled(here, task, run)
    told = [await _urged(here, look, each) for each in runs]
    return _of_runs(here, look, runs), "".join(told)


async def _urged(here: Desk, look: Look, run: Run) -> str:
    phase = type(run.phase).__name__.lower()
    if here.by.trial:
        return f"Would have run {run.key} ({phase}) looked at now.\n"
    async with here.turn(_own(look, run), "retry", str(run.key)) as turn:
        rows = await here.house.engine.hear(run.key, Urged(here.house.clock.now()))
        debt = owed(rows.get(run.key.run_id, run), here.house.clock.now())
        turn.outcome = f"{phase}, next: {type(debt).__name__ if debt else 'nothing'}"
    return f"Run {run.key} is due now ({turn.outcome}).\n"


async def release(here: Desk, task: TaskId, run: int | None) -> Said:
    """Take runs from a process that does not go on with them; another takes them up at once."""
    look, runs = await _unsettled(here, task, run)
    told = [await _let_go(here, look, each) for each in runs]
    return _of_runs(here, look, runs), "".join(told)


async def _let_go(here: Desk, look: Look, run: Run) -> str:
    entries = await People(here.house.database).entries(run.key.task_id)
    entry = next((each for each in entries if each.run.key == run.key), None)
    who = (entry and (entry.lease_owner or entry.holder)) or "nobody"
    if here.by.trial:
        return f"Would take run {run.key} from {who}.\n"
    async with here.turn(_own(look, run), "release", str(run.key)) as turn:
        await here.operators.let_go(run.key)
        await here.house.engine.hear(run.key, Hinted(here.house.clock.now()))
        turn.outcome = f"from {who}"
    return f"Run {run.key} was taken from {who}.\n"


def _own(look: Look, run: Run) -> Look:
    """What stands in the way of an act on one run: acts on it and on its task, not the command's own on other runs."""
    return Look((run.key.task_id, str(run.key)), look.seen)


def _of_runs(here: Desk, look: Look, runs: list[Run]) -> dict[str, object]:
    return {"dry_run": here.by.trial, "seen": look.seen, "runs": [str(each.key) for each in runs]}


async def cancel(here: Desk, task: TaskId) -> Said:
    """Cancel a task in Taskcluster, with the bridge's own client; the bridge then cancels its build."""
    rows = await here.house.engine.runs.of_task(task)
    look = await here.look(*of_task(task, [row.key for row in rows.values()]))
    status = await _status(here, task)
    state = status.runs[-1].state.value if status.runs else "unscheduled"
    if not here.by.trial:
        async with here.turn(look, "cancel", task) as turn:
            await _cancelled(here, task)
            turn.outcome = f"was {state}"
    does = "Would cancel" if here.by.trial else "Cancelled"
    said = f"{does} task {task}, which {'is' if here.by.trial else 'was'} {state}.\n"
    return {"dry_run": here.by.trial, "seen": look.seen, "task": task, "state": state}, said


async def _status(here: Desk, task: TaskId) -> TaskStatus:
    try:
        return await here.house.queue.status(task)
    except faults.Missing:
        raise AbsentError(f"Taskcluster does not know task {task}") from None


async def _cancelled(here: Desk, task: TaskId) -> None:
    try:
        await here.house.queue.cancel_task(task)
    except faults.NotAllowed as refused:
        raise ForbiddenError(
            f"the bridge's client may not cancel task {task}: {refused}. Cancel it in Taskcluster's own page, or give the "
            "client the scope that `bbb scopes` names"
        ) from refused


async def replay(here: Desk, number: int) -> Said:
    """Read a message again that could not be read, as after an upgrade that can; it is dropped when that went well."""
    look = await here.look(_letter_target(number))
    letter = await _letter(here, number)
    key, pending, queue = _heard(letter)
    if not here.by.trial:
        async with here.turn(look, "deadletter replay", _letter_target(number)) as turn:
            await _told(here, key, queue if pending else None)
            await here.operators.forget(number)
            turn.outcome = str(key)
    does = "Would read" if here.by.trial else "Read"
    data = {"dry_run": here.by.trial, "seen": look.seen, "id": number, "run": str(key)}
    return data, f"{does} message {number} again: it is about run {key}.\n"


async def drop(here: Desk, number: int) -> Said:
    """Forget a message that could not be read."""
    look = await here.look(_letter_target(number))
    letter = await _letter(here, number)
    if not here.by.trial:
        async with here.turn(look, "deadletter drop", _letter_target(number)) as turn:
            await here.operators.forget(number)
            turn.outcome = letter.reason
    words = f"{'Would drop' if here.by.trial else 'Dropped'} message {number}: {shown(letter.reason, 300)}.\n"
    return {"dry_run": here.by.trial, "seen": look.seen, "id": number}, words


def _letter_target(number: int) -> str:
    return str(number)


async def _letter(here: Desk, number: int) -> DeadLetter:
    letter = await here.operators.dead_letter(number)
    if letter is None:
        raise AbsentError(f"there is no message {number}: `bbb deadletter list` shows those that there are")
    return letter


def _heard(letter: DeadLetter) -> tuple[RunKey, bool, str]:
    """The run, whether it became pending, and its task queue."""
    if letter.size != len(letter.body):
        raise ImpossibleError(
            f"message {letter.id} had {letter.size} bytes, of which {len(letter.body)} are kept: it cannot be read"
        )
    match messages.hear(letter.exchange, letter.body):
        case messages.Heard(exchange=exchange, key=key, task_queue_id=queue):
            return key, exchange == messages.PENDING, queue
        case messages.Unreadable(reason=reason):
            raise ImpossibleError(f"message {letter.id} cannot be read by this version either: {reason}")


async def _told(here: Desk, key: RunKey, queue: str | None) -> None:
    """As the listener does: a row for a pending run of a queue that is served, a look for anything else."""
    pool = next((pool for pool in here.house.engine.pools.values() if pool.task_queue_id == queue), None)
    if queue is not None and pool is None:
        raise ImpossibleError(f"run {key} is of task queue {queue}, which no pool in the settings serves")
    if pool is not None:
        await here.house.sweeps.wanted([key], pool)
    await here.house.sweeps.hinted([key])


async def _unsettled(here: Desk, task: TaskId, run: int | None) -> tuple[Look, list[Run]]:
    keys = [row.key for row in (await here.house.engine.runs.of_task(task)).values()]
    look = await here.look(*of_task(task, keys))
    rows = await here.house.engine.runs.of_task(task)
    found = [row for number, row in sorted(rows.items()) if run in (None, number) and not isinstance(row.phase, Settled)]
    if not found:
        words = task if run is None else f"{task}/{run}"
        raise AbsentError(f"{words} has no unsettled run: `bbb show {task}` tells what is known of it")
    return look, found
