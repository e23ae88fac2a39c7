"""What operators do to one run, or to one message that could not be read."""

from __future__ import annotations

from bridge.cli import desk
from bridge.cli.complaint import Complaint
from bridge.cli.desk import By, Desk, Said
from bridge.cli.reading import named
from bridge.core import faults
from bridge.core.admission import shown
from bridge.core.debts import owed
from bridge.core.events import Hinted, Urged
from bridge.core.run import Run, RunKey, Settled, TaskId
from bridge.core.status import TaskStatus
from bridge.settings import Settings
from bridge.store.people import DeadLetter, People
from bridge.taskcluster import messages


async def retry(settings: Settings, task: str, run: int | None, by: By) -> Said:
    """Have what a run owes tried now, whatever wait was agreed; nothing is done twice by that."""
    async with desk.opened(settings, by) as here:
        runs = await _unsettled(here, task, run)
        told = [await _urged(here, each) for each in runs]
    return {"dry_run": by.trial, "runs": [str(each.key) for each in runs]}, "".join(told)


async def _urged(here: Desk, run: Run) -> str:
    phase = type(run.phase).__name__.lower()
    if here.by.trial:
        return f"Would have run {run.key} ({phase}) looked at now.\n"
    rows = await here.house.engine.hear(run.key, Urged(here.house.clock.now()))
    debt = owed(rows.get(run.key.run_id, run), here.house.clock.now())
    words = f"{phase}, next: {type(debt).__name__ if debt else 'nothing'}"
    await here.note("retry", str(run.key), words)
    return f"Run {run.key} is due now ({words}).\n"


async def release(settings: Settings, task: str, run: int | None, by: By) -> Said:
    """Take runs from a process that does not go on with them; another takes them up at once."""
    async with desk.opened(settings, by) as here:
        runs = await _unsettled(here, task, run)
        told = [await _let_go(here, each) for each in runs]
    return {"dry_run": by.trial, "runs": [str(each.key) for each in runs]}, "".join(told)


async def _let_go(here: Desk, run: Run) -> str:
    entries = await People(here.house.database).entries(run.key.task_id)
    entry = next((each for each in entries if each.run.key == run.key), None)
    who = (entry and (entry.lease_owner or entry.holder)) or "nobody"
    if here.by.trial:
        return f"Would take run {run.key} from {who}.\n"
    await here.operators.let_go(run.key)
    await here.house.engine.hear(run.key, Hinted(here.house.clock.now()))
    await here.note("release", str(run.key), f"from {who}")
    return f"Run {run.key} was taken from {who}.\n"


async def cancel(settings: Settings, task: str, by: By) -> Said:
    """Cancel a task in Taskcluster, with the bridge's own client; the bridge then cancels its build."""
    key, _ = named(task, None)
    async with desk.opened(settings, by) as here:
        status = await _status(here, key)
        state = status.runs[-1].state.value if status.runs else "unscheduled"
        if not by.trial:
            await _cancelled(here, key)
            await here.note("cancel", key, f"was {state}")
    words = f"Would cancel task {key}, which is {state}.\n" if by.trial else f"Cancelled task {key}, which was {state}.\n"
    return {"dry_run": by.trial, "task": key, "state": state}, words


async def _status(here: Desk, key: TaskId) -> TaskStatus:
    try:
        return await here.house.queue.status(key)
    except faults.Missing:
        raise Complaint(f"Taskcluster does not know task {key}") from None


async def _cancelled(here: Desk, key: TaskId) -> None:
    try:
        await here.house.queue.cancel_task(key)
    except faults.NotAllowed as refused:
        raise Complaint(
            f"the bridge's client may not cancel task {key}: {refused}. Cancel it in Taskcluster's own page, or give the "
            "client the scope that `bbb scopes` names"
        ) from refused


async def replay(settings: Settings, number: int, by: By) -> Said:
    """Read a message again that could not be read, as after an upgrade that can; it is dropped when that went well."""
    async with desk.opened(settings, by) as here:
        letter = await _letter(here, number)
        key, pending, queue = _heard(letter)
        if not by.trial:
            await _told(here, key, queue if pending else None)
            await here.operators.forget(number)
            await here.note("deadletter replay", str(number), str(key))
    does = "Would read" if by.trial else "Read"
    return {"dry_run": by.trial, "id": number, "run": str(key)}, f"{does} message {number} again: it is about run {key}.\n"


async def drop(settings: Settings, number: int, by: By) -> Said:
    """Forget a message that could not be read."""
    async with desk.opened(settings, by) as here:
        letter = await _letter(here, number)
        if not by.trial:
            await here.operators.forget(number)
            await here.note("deadletter drop", str(number), letter.reason)
    return {
        "dry_run": by.trial,
        "id": number,
    }, f"{'Would drop' if by.trial else 'Dropped'} message {number}: {letter.reason}.\n"


async def letters(settings: Settings) -> Said:
    """The newest messages that could not be read."""
    async with desk.opened(settings, By("", "", trial=True)) as here:
        found = await People(here.house.database).dead_letters()
    lines = [
        f"{each.id}  {each.at:%Y-%m-%d %H:%M:%S}  {each.exchange}: {each.reason}\n    {_start(each)}\n" for each in found
    ]
    data = [
        {"id": e.id, "at": e.at, "exchange": e.exchange, "routing_key": e.routing_key, "reason": e.reason, "size": e.size,
         "sha256": e.sha256.hex(), "start": _start(e)}
        for e in found
    ]  # fmt: skip
    return data, "".join(lines) or "there are none\n"


def _start(letter: DeadLetter) -> str:
    return shown(letter.body.decode("utf-8", "replace"), 160)


async def _letter(here: Desk, number: int) -> DeadLetter:
    letter = await here.operators.dead_letter(number)
    if letter is None:
        raise Complaint(f"there is no message {number}: `bbb deadletter list` shows those that there are")
    return letter


def _heard(letter: DeadLetter) -> tuple[RunKey, bool, str]:
    """The run, whether it became pending, and its task queue."""
    if letter.size != len(letter.body):
        raise Complaint(
            f"message {letter.id} had {letter.size} bytes, of which {len(letter.body)} are kept: it cannot be read"
        )
    match messages.hear(letter.exchange, letter.body):
        case messages.Heard(exchange=exchange, key=key, task_queue_id=queue):
            return key, exchange == messages.PENDING, queue
        case messages.Unreadable(reason=reason):
            raise Complaint(f"message {letter.id} cannot be read by this version either: {reason}")


async def _told(here: Desk, key: RunKey, queue: str | None) -> None:
    """As the listener does: a row for a pending run of a queue that is served, a look for anything else."""
    pool = next((pool for pool in here.house.engine.pools.values() if pool.task_queue_id == queue), None)
    if queue is not None and pool is None:
        raise Complaint(f"run {key} is of task queue {queue}, which no pool in the settings serves")
    if pool is not None:
        await here.house.sweeps.wanted([key], pool)
    await here.house.sweeps.hinted([key])


async def _unsettled(here: Desk, task: str, run: int | None) -> list[Run]:
    key, only = named(task, run)
    rows = await here.house.engine.runs.of_task(key)
    found = [row for number, row in sorted(rows.items()) if only in (None, number) and not isinstance(row.phase, Settled)]
    if not found:
        words = key if only is None else f"{key}/{only}"
        raise Complaint(f"{words} has no unsettled run: `bbb show {key}` tells what is known of it")
    return found
