"""Who acts in a schedule besides the bridge: authors of tasks, people at both web pages, operators, other workers."""

from tests.doubles.taskcluster import claims, definition, errors, resolution, scheduling
from tests.doubles.taskcluster.instants import DAY, SECOND, zulu
from tests.doubles.taskcluster.model import PRIORITIES, Task
from tests.simulation.buildbot import Master, Request
from tests.simulation.queue import Issuer, Taskcluster
from tests.simulation.scenarios import Deed, Job
from tests.simulation.services import TASK_QUEUE
from tests.simulation.watch import Watch

_PROVISIONER, _WORKER_TYPE = TASK_QUEUE.split("/")


def task_id(number: int) -> str:
    """A slug, as the queue's are."""
    return f"task{number:04d}Q0C0123456789A"


class People:
    """Does jobs and deeds. What a side refuses, as it refuses people too, is left."""

    def __init__(self, taskcluster: Taskcluster, master: Master, watch: Watch) -> None:
        self._taskcluster, self._master, self._watch = taskcluster, master, watch
        self._ledger = taskcluster.ledger

    def create(self, number: int, job: Job) -> None:
        """Create a task."""
        now, name = self._taskcluster.now(), task_id(number)
        deadline = now + int(job.deadline * SECOND)
        payload = {"buildername": job.builder} if job.payload is None else job.payload
        body = {
            "provisionerId": _PROVISIONER, "workerType": _WORKER_TYPE, "taskQueueId": TASK_QUEUE, "schedulerId": "-",
            "projectId": "none", "taskGroupId": name, "dependencies": [], "requires": "all-completed", "routes": [],
            "priority": job.priority, "retries": job.retries, "created": zulu(now), "deadline": zulu(deadline),
            "expires": zulu(deadline + 30 * DAY), "scopes": list(job.scopes), "payload": payload, "metadata": {}, "tags": {},
            "extra": {},
        }  # fmt: skip
        definition.create(self._ledger, name, body, now)
        self._watch.note("author", "create", name)

    def act(self, deed: Deed) -> bool:
        """Do it, if it is something that people do; whether it was."""
        task = self._ledger.tasks.get(task_id(deed.task))
        act = getattr(self, "_" + deed.what.replace(" ", "_"), None)
        if act is None:
            return False
        self._watch.note("person", deed.what, task_id(deed.task))
        if task is not None:
            try:
                act(task, deed)
            except errors.ApiError as error:
                self._watch.note("person", "refused", error.code)
        return True

    def _cancel(self, task: Task, _: Deed) -> None:
        resolution.cancel(self._ledger, task, self._taskcluster.now())

    def _rerun(self, task: Task, _: Deed) -> None:
        scheduling.rerun(self._ledger, task, self._taskcluster.now())

    def _priority(self, task: Task, deed: Deed) -> None:
        scheduling.change_priority(self._ledger, task, PRIORITIES[int(deed.value) or 5], self._taskcluster.now())

    def _foreign_claim(self, task: Task, _: Deed) -> None:
        who = claims.Claimant("elsewhere", "their-worker")
        claims.claim(self._ledger, Issuer(), task, task.runs[-1].run_id, who, self._taskcluster.now())

    def _foreign_report(self, task: Task, _: Deed) -> None:
        if task.runs[-1].worker_group == "elsewhere":
            resolution.report(self._ledger, task, task.runs[-1].run_id, "completed", self._taskcluster.now())

    def _request(self, task: Task) -> Request | None:
        found = [r for r in self._master.requests.values() if r.key.startswith(task.task_id) and not r.rebuilt]
        return found[-1] if found else None

    def _stop_build(self, task: Task, _: Deed) -> None:
        request = self._request(task)
        if request is not None and self._master.up and not request.complete:
            self._master.cancel(request)

    def _rebuild(self, task: Task, _: Deed) -> None:
        if (request := self._request(task)) is not None:
            self._master.rebuild(request.key)

    def _collapse(self, task: Task, _: Deed) -> None:
        if (request := self._request(task)) is not None and self._master.up:
            self._master.collapse(request.key)
