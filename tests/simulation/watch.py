"""Sees every effect at the ledgers as it happens: writes the history, and says at once what must never happen.

What it checks at each effect is cheap and local; the whole history is judged again by `tests.history`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import Run, Task
from tests.history.evidence import HANDED, OPEN, RETRIES, Cancel
from tests.simulation.buildbot import CANCELLED, RETRY, SKIPPED, Master, Request
from tests.simulation.fabric import EPOCH, Fabric
from tests.simulation.scenarios import BUILDERS

RIGHT: Mapping[int, tuple[str, ...]] = {
    0: ("completed",), 1: ("completed",), 2: ("failed",), 3: ("completed",), 4: ("internal-error",),
    CANCELLED: ("worker-shutdown", "canceled"),
}  # fmt: skip
MALFORMED = "malformed-payload"
LOG = "public/logs/live.log"
# The queue's words, least urgent first, as Buildbot's numbers.
URGENCY: Mapping[str, int] = {
    "lowest": 0, "normal": 0, "very-low": 1, "low": 2, "medium": 3, "high": 4, "very-high": 5, "highest": 6,
}  # fmt: skip


def refusable(task: Task) -> bool:
    """Whether the task can have no build here: its author must learn that, and of no other one may that be said."""
    payload = task.definition["payload"]
    builder = payload.get("buildername") if isinstance(payload, dict) else None
    return builder not in BUILDERS or not task.definition["scopes"]


class Watch:
    """The history of one schedule, and what was wrong in it. `who` acts at the moment is not known here, only what happens."""

    def __init__(self, fabric: Fabric, ledger: Ledger, master: Callable[[], Master], group: str, own: str) -> None:
        self._fabric, self._ledger, self._master = fabric, ledger, master
        self.group, self.own = group, own
        self.history: list[tuple[float, str, str, object]] = []
        self.wrong: list[str] = []
        self.calls: list[dict[str, Any]] = []
        self.cancels: list[Cancel] = []
        self.stored = set[tuple[str, int, str]]()
        """Task, run and name of each artifact whose bytes are in the store."""
        self.erased = False  # once Buildbot's database was set back, requests are not what they were
        self.paused_from: float | None = None
        """From when on no new request may be made."""
        self.foreign: set[str] = set()
        self._identities: dict[tuple[str, int], tuple[str, str]] = {}
        self._told: dict[int, tuple[str, int]] = {}
        self._reads: dict[tuple[str, str], int | None] = {}

    # --- the history

    def note(self, who: str, what: str, detail: object) -> None:
        """Add a line to the history."""
        self.history.append((self._fabric.loop.now, who, what, detail))

    def called(self, who: str, api: str, task: str | None, run: int | None, done: int, detail: dict[str, Any]) -> None:
        """Add a call of the bridge to the queue, as carried out."""
        now = self._fabric.loop.now
        number = len(self.calls) + 1
        self.calls.append(
            {"n": number, "unix": EPOCH + now, "api": f"queue.{api}", "taskId": task, "runId": run, "status": done, "done": done, **detail}
        )  # fmt: skip
        self.history.append((now, who, api, (task, run, done, *detail.values())))

    def blame(self, what: str) -> None:
        """Note that something happened that must not."""
        self.wrong.append(what)
        self.note("watch", "VIOLATION", what)

    # --- what must hold at each effect

    def submitted(self, key: str) -> None:
        """S1 and S2, at the moment a request is about to be made under a key that has none."""
        self.note("plugin", "submit", key)
        task_id, _, number = key.partition("/")
        task = self._ledger.tasks.get(task_id)
        if task is None or int(number) >= len(task.runs):
            self.blame(f"S2: a request for {key}, which does not exist")
            return
        if refusable(task):
            self.blame(f"S2: a request for {key}, which may not be built")
        if self.paused_from is not None and self._fabric.loop.now > self.paused_from and not self._fabric.faulted:
            self.blame(f"P-02: a request for {key} while an operator holds all back")
        if any(each.key == key and not each.rebuilt for each in self._master().erased):
            return
        left = self.request_for(task, int(number))
        if left is not None and left.complete and not left.shutdown and self._untold(left, task):
            self.blame(f"S1: a request for {key}, which may adopt the result of request {left.id}")
        for request in self._master().requests.values():
            other, _, earlier = request.key.partition("/")
            if other == task_id and not request.complete and not request.rebuilt:
                # A submit that was long under way may come when its run is over; it is stopped then, and holds nobody up.
                # Where somebody else had claimed a run in between, his claim ended the request: a new one is as good.
                holder = self.holder(task, int(earlier))
                open_ = holder.state in OPEN and holder.run_id == int(number)
                if open_ and not self.others_claimed(task, int(earlier), holder.run_id):
                    self.blame(f"S1: a request for {key}, which holds request {request.id} or may adopt it")

    def claimed(self, task: Task, run: Run, group: str, worker: str) -> None:
        """S3, when a claim is about to be made or repeated."""
        known = self._identities.setdefault((task.task_id, run.run_id), (group, worker))
        if known != (group, worker):
            self.blame(f"S3: {task.task_id}/{run.run_id} is claimed as {worker}, and was as {known[1]}")
        if worker == self.own or self.erased:
            return
        request = self.request_for(task, run.run_id)
        unbuilt = request is not None and not request.builds and request.results in (SKIPPED, CANCELLED)
        if request is None or not (request.builds or unbuilt):
            self.blame(f"S3: {task.task_id}/{run.run_id} is claimed before a build of its request started")

    def resolved(self, task: Task, run: Run, word: str) -> None:
        """S4, S8 and S9, when a report of the bridge resolves a run."""
        name = f"{task.task_id}/{run.run_id}"
        if word == MALFORMED and not refusable(task):
            self.blame(f"S8: {name} is told {word}, and nothing is wrong with it")
        request = self.request_for(task, run.run_id)
        if word == MALFORMED or self.erased:
            return
        if request is None:
            self.blame(f"S4: {name} is told {word} without a request")
        elif word == "intermittent-task":
            # A master killed between a build's end and its request's builds it again, unasked.
            if len(request.builds) < 2 and not any(build.results == RETRY for build in request.builds):
                self.blame(f"S4: {name} is told {word}, and no build ended RETRY")
        elif not request.complete or request.results is None:
            self.blame(f"S4: {name} is told {word} while request {request.id} is open")
        else:
            self._fits(name, word, request, run.run_id)
        if word in ("completed", "failed") and (run.run_id, LOG) not in task.artifacts:
            self.blame(f"S9: {name} is told {word} before its log is attached")
        if word == "completed" and request is not None and request.builds:
            self._carried(task.task_id, run.run_id, request.builds[-1].mandatory)

    def _carried(self, task: str, run: int, names: Iterable[str]) -> None:
        """S9: what the task must carry is in the store, not only in the list of artifacts."""
        if missing := [name for name in names if (task, run, name) not in self.stored]:
            self.blame(f"S9: {task}/{run} is told completed without {', '.join(missing)}")

    def read(self, who: str, task: Task) -> None:
        """A status read: what it shows allows one cancelTask."""
        last = task.runs[-1] if task.runs else None
        self._reads[who, task.task_id] = last.run_id if last is not None and last.state in OPEN else None

    def cancelled(self, who: str, task: Task) -> None:
        """S4 and S5, when the bridge calls cancelTask."""
        read = self._reads.pop((who, task.task_id), None)
        if read is None:
            self.blame(f"S5: cancelTask of {task.task_id} without a status read that shows its last run unresolved")
            return
        request = self.request_for(task, read)
        if request is None or request.results != CANCELLED or request.shutdown or self.was_asked_to_end(request):
            self.blame(f"S4: cancelTask of {task.task_id}, and nobody cancelled the request of run {read} in Buildbot")

    def _fits(self, name: str, word: str, request: Request, run: int) -> None:
        collapsed = request.results == SKIPPED and not request.builds
        right = ("internal-error",) if collapsed else RIGHT.get(request.results or 0, ("internal-error",))
        if request.results == CANCELLED:
            right = ("worker-shutdown",) if request.shutdown else ("canceled",)
        if request.builds and request.builds[-1].mandatory:
            right = (*right, "resource-unavailable")  # where they could not be stored for an hour
        if word not in right:
            self.blame(f"S4: {name} is told {word} for result {request.results}")
        if word != "worker-shutdown":
            before = self._told.setdefault(request.id, (name, run))
            if before != (name, run):
                self.blame(f"S4: the result of request {request.id} is told for {before[0]} and {name}")

    def cancel_asked(self, key: str) -> None:
        """S7, when Buildbot is asked to end an open request."""
        self.cancels.append(Cancel(EPOCH + self._fabric.loop.now, key))
        self.note("plugin", "cancel", key)
        task_id, _, number = key.partition("/")
        task = self._ledger.tasks.get(task_id)
        if task is None or self.erased:
            return
        holder = self.holder(task, int(number))
        own = holder.run_id != int(number) and self._master().request_of(f"{task_id}/{holder.run_id}") is not None
        # Somebody else's claim ends the request (T-24), though his claim may run out before the cancel is sent.
        foreign = self.others_claimed(task, int(number), holder.run_id)
        if holder.state in OPEN and not own and not foreign:
            self.blame(f"S7: the request of {key} is cancelled while run {holder.run_id} is {holder.state}")

    def _untold(self, request: Request, task: Task) -> bool:
        """Whether the request's result is still good: nobody was told of it, asked for its end, or claimed a run for himself."""
        ours = all(run.worker_group in (None, self.group) for run in task.runs)
        return ours and request.id not in self._told and not self.was_asked_to_end(request)

    # --- who holds what

    def holder(self, task: Task, number: int) -> Run:
        """The run that holds, or may adopt, the request made for a run."""
        while number + 1 < len(task.runs):
            run, following = task.runs[number], task.runs[number + 1]
            if run.reason_resolved not in HANDED or following.reason_created not in RETRIES:
                break
            number += 1
        return task.runs[number]

    def others_claimed(self, task: Task, first: int, last: int) -> bool:
        """Whether somebody else claimed one of these runs."""
        return any(run.worker_group not in (None, self.group) for run in task.runs[first : last + 1])

    def was_asked_to_end(self, request: Request) -> bool:
        """Whether the bridge has cancelled the request: then no later run adopts it."""
        return any(cancel.key == request.key for cancel in self.cancels)

    def request_for(self, task: Task, number: int) -> Request | None:
        """The request that a run holds: its own, or its predecessor's by an unbroken chain of retries."""
        while True:
            found = self._master().request_of(f"{task.task_id}/{number}")
            if found is not None:
                return found
            if number == 0 or task.runs[number].reason_created not in RETRIES:
                return None
            if task.runs[number - 1].reason_resolved not in HANDED:
                return None
            number -= 1
