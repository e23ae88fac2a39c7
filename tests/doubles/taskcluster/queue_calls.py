"""The calls of the queue: each finds what it is about, asks for scopes where the URL alone could not, and acts."""

from typing import Any

from tests.doubles.taskcluster import (
    artifacts,
    claims,
    definition,
    errors,
    instants,
    lists,
    resolution,
    scheduling,
    workers,
)
from tests.doubles.taskcluster.api import Answer, Call
from tests.doubles.taskcluster.model import Artifact, Task
from tests.doubles.taskcluster.scopes import Expression

Body = dict[str, Any]


def _existing(call: Call) -> Task:
    return call.ledger.task(call.task_id)


def _legacy(verb: str, task: Task) -> Expression:
    """Build the expression of cancelTask, rerunTask and scheduleTask."""
    chain = f"{task.scheduler_id}/{task.group_id}"
    return {
        "AnyOf": [
            f"queue:{verb}-task:{chain}/{task.task_id}",
            f"queue:{verb}-task-in-project:{task.definition['projectId']}",
            {"AllOf": [f"queue:{verb}-task", f"assume:scheduler-id:{chain}"]},
        ]
    }


# --- tasks


def ping(call: Call) -> Body:
    return {"alive": True, "uptime": (call.now - call.at.started) // instants.SECOND}


def heartbeat(_: Call) -> Body:
    return {}


def create_task(call: Call) -> Body:
    wanted = definition.complete(call.task_id, call.body, call.now)
    call.authorize(definition.scopes_to_create(wanted))
    return definition.create(call.ledger, call.task_id, wanted, call.now)


def task(call: Call) -> Body:
    known = call.ledger.tasks.get(call.task_id)
    if known is None:
        raise errors.not_found(
            f"`{call.task_id}` does not correspond to a task that exists.\n"
            "Are you sure this task has already been submitted?"
        )
    return known.definition


def status(call: Call) -> Body:
    known = call.ledger.tasks.get(call.task_id)
    if known is None:
        raise errors.not_found(
            f"`{call.task_id}` does not correspond to a task that exists.\nAre you sure this task exists?"
        )
    return {"status": known.status()}


def statuses(call: Call) -> Body:
    return _batch(call, "status", "statuses", lambda found: {"taskId": found.task_id, "status": found.status()})


def tasks(call: Call) -> Body:
    return _batch(call, "get-task", "tasks", lambda found: {"taskId": found.task_id, "task": found.definition})


def _batch(call: Call, verb: str, name: str, row: Any) -> Body:
    task_ids = call.body.get("taskIds", [])
    call.authorize({"AllOf": [f"queue:{verb}:{task_id}" for task_id in dict.fromkeys(task_ids)]})
    return lists.batch(call.ledger, task_ids, lists.Page.of(dict(call.request.query)), name, row)


def cancel_task(call: Call) -> Body:
    found = _existing(call)
    call.authorize(_legacy("cancel", found))
    return resolution.cancel(call.ledger, found, call.now)


def rerun_task(call: Call) -> Body:
    found = _existing(call)
    call.authorize(_legacy("rerun", found))
    return scheduling.rerun(call.ledger, found, call.now)


def schedule_task(call: Call) -> Body:
    found = _existing(call)
    call.authorize(_legacy("schedule", found))
    return scheduling.schedule(call.ledger, found, call.now)


def change_task_priority(call: Call) -> Body:
    found = _existing(call)
    call.authorize(
        {
            "AnyOf": [
                f"queue:change-task-priority:{found.task_id}",
                f"queue:change-task-priority-in-queue:{found.queue_id}",
            ]
        }
    )
    return scheduling.change_priority(call.ledger, found, call.body["newPriority"], call.now)


# --- runs


def claim_task(call: Call) -> Body:
    found = _existing(call)
    who = claims.Claimant(call.body["workerGroup"], call.body["workerId"])
    call.authorize({"AllOf": [f"queue:claim-task:{found.queue_id}", f"queue:worker-id:{who.group}/{who.id}"]})
    return claims.claim(call.ledger, call.at.issuer, found, call.run_id, who, call.now)


def claim_work(call: Call) -> Answer:
    queue_id = call.params["taskQueueId"]
    who = claims.Claimant(call.body["workerGroup"], call.body["workerId"])
    call.authorize({"AllOf": [f"queue:claim-work:{queue_id}", f"queue:worker-id:{who.group}/{who.id}"]})
    return _work(call, queue_id, who, call.now)


def _work(call: Call, queue_id: str, who: claims.Claimant, now: int) -> Answer:
    found = claims.claim_work(call.ledger, call.at.issuer, queue_id, who, call.body.get("tasks", 1), now)
    periods = call.ledger.periods
    if found or now >= call.now + periods.claim_work:
        return Answer(200, {"tasks": found})
    return Answer(200, {"tasks": []}, pause=periods.claim_work_poll, again=lambda later: _work(call, queue_id, who, later))


def reclaim_task(call: Call) -> Body:
    return claims.reclaim(call.ledger, call.at.issuer, _existing(call), call.run_id, call.now)


def report_completed(call: Call) -> Body:
    return resolution.report(call.ledger, _existing(call), call.run_id, "completed", call.now)


def report_failed(call: Call) -> Body:
    return resolution.report(call.ledger, _existing(call), call.run_id, "failed", call.now)


def report_exception(call: Call) -> Body:
    found = call.ledger.task(call.task_id, "Are you sure it exists?")
    return resolution.report_exception(call.ledger, found, call.run_id, call.body["reason"], call.now)


# --- artifacts


def create_artifact(call: Call) -> Body:
    return artifacts.create(
        call.ledger, call.at.store, call.at.issuer, call.task_id, call.run_id, call.params["name"], call.body, call.now
    )


def finish_artifact(call: Call) -> Answer:
    artifacts.finish(call.ledger, call.task_id, call.run_id, call.params["name"], call.body["uploadId"], call.now)
    return Answer(204)


def _run_meant(call: Call) -> int:
    return call.run_id if "runId" in call.params else artifacts.latest_run(call.ledger, call.task_id)


def get_artifact(call: Call) -> Answer:
    """Send readers to the bytes; what an error artifact says comes with status 424."""
    name = call.params["name"]
    run_id = _run_meant(call)
    reached = artifacts.links(call.ledger, call.task_id, run_id, name)
    call.authorize({"AllOf": [f"queue:get-artifact:{link}" for link in reached]})
    found = artifacts.follow(call.ledger, call.task_id, run_id, name, call.now)
    headers = {"x-taskcluster-artifact-storage-type": found.storage_type}
    if found.storage_type == "error":
        return Answer(424, dict(found.details), headers)
    url = _location(call, found, run_id)
    return Answer(303, {"storageType": found.storage_type, "url": url}, headers | {"location": url})


def _location(call: Call, found: Artifact, run_id: int) -> str:
    return artifacts.location(call.at.store, found, f"{call.task_id}/{run_id}/{found.name}", call.now)


def artifact_content(call: Call) -> Body:
    """Tell where the bytes are, in the body: what the client's download helpers ask."""
    answer = get_artifact(call)
    if answer.status == 424:
        return {"storageType": "error", **answer.body}
    return dict(answer.body)


def artifact_info(call: Call) -> Body:
    return artifacts.find(call.ledger, call.task_id, _run_meant(call), call.params["name"], call.now).wire()


def list_artifacts(call: Call) -> Body:
    found = artifacts.listed(call.ledger, call.task_id, _run_meant(call))
    return {"artifacts": [artifact.wire() for artifact in found]}


# --- queues and workers


def list_pending(call: Call) -> Body:
    return lists.pending(call.ledger, call.params["taskQueueId"], lists.Page.of(dict(call.request.query)), call.now)


def list_claimed(call: Call) -> Body:
    return lists.claimed(call.ledger, call.params["taskQueueId"], lists.Page.of(dict(call.request.query)), call.now)


def queue_counts(call: Call) -> Body:
    queue_id = call.params["taskQueueId"]
    return lists.queue_names(queue_id) | lists.counts(call.ledger, queue_id, call.now)


def pending_tasks(call: Call) -> Body:
    found = queue_counts(call)
    del found["claimedTasks"]
    return found


def _queue_of(call: Call) -> str:
    return f"{call.params['provisionerId']}/{call.params['workerType']}"


def list_workers(call: Call) -> Body:
    return workers.listed(call.ledger, _queue_of(call))


def get_worker(call: Call) -> Body:
    return workers.detail(call.ledger, _queue_of(call), call.params["workerGroup"], call.params["workerId"], call.now)


def quarantine_worker(call: Call) -> Body:
    return workers.quarantine(
        call.ledger,
        _queue_of(call),
        call.params["workerGroup"],
        call.params["workerId"],
        call.body["quarantineUntil"],
        call.now,
    )
