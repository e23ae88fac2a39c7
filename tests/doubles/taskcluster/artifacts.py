"""createArtifact, finishArtifact and reading artifacts back."""

import json
from typing import Any

from tests.doubles.taskcluster import errors, messages
from tests.doubles.taskcluster.credentials import Issuer
from tests.doubles.taskcluster.identifiers import new_slug
from tests.doubles.taskcluster.instants import MINUTE, parse, to_milliseconds, zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import Artifact, Run, Task
from tests.doubles.taskcluster.store import Store

UPLOADS_AFTER_EXCEPTION = 25 * MINUTE
SIGNED_PUT = 45 * MINUTE
PAST_EXPIRES = 15 * MINUTE
UNTYPED = "application/binary"
DETAILS = {
    "s3": ("contentLength",),
    "object": (),
    "reference": ("url",),
    "link": ("artifact",),
    "error": ("reason", "message"),
}


def create(
    ledger: Ledger, store: Store, issuer: Issuer, task_id: str, run_id: int, name: str, body: dict[str, Any], now: int
) -> dict[str, Any]:
    """Create an artifact, or accept a repeat that changes nothing but prolongs it."""
    task, run = _place(ledger, task_id, run_id, parse(body["expires"]), now)
    artifact = _keep(task, run, name, body)
    if artifact.storage_type == "s3":
        return _upload_address(store, artifact, key(task, run, name), now)
    if artifact.storage_type == "object":
        return _upload_object(issuer, task, run, artifact, now)
    ledger.publish(messages.artifact_created(now, task, run, artifact))
    return {"storageType": artifact.storage_type}


def key(task: Task, run: Run, name: str) -> str:
    return f"{task.task_id}/{run.run_id}/{name}"


def _place(ledger: Ledger, task_id: str, run_id: int, expires: int, now: int) -> tuple[Task, Run]:
    if expires < now - PAST_EXPIRES:
        raise errors.input_error("Expires must be in the future")
    task = ledger.tasks.get(task_id)
    if task is None:
        raise errors.input_error("Task not found")
    if task.expires < expires:
        raise errors.input_error(
            f"Artifact expires ({zulu(expires)}) after the task expiration {zulu(task.expires)} (task.expires < "
            "expires) - this is not allowed, artifacts may not expire after the task they belong to expires"
        )
    if run_id >= len(task.runs):
        raise errors.input_error("Run not found")
    run = task.runs[run_id]
    _refuse_unfit(task, run, now)
    return task, run


def _refuse_unfit(task: Task, run: Run, now: int) -> None:
    if run.worker_id is None:
        raise errors.input_error("Run was not claimed by a worker and so no artifacts can exist")
    fresh = run.resolved is not None and now - run.resolved <= UPLOADS_AFTER_EXCEPTION
    if run.state != "running" and not (run.state == "exception" and fresh):
        raise errors.conflict(
            "Artifacts cannot be created for a task after it is resolved, unless it is resolved 'exception', and "
            f"even in this case only up to 25 min past resolution.\n\nTask status: {json.dumps(task.status(), indent=2)}"
        )


def _keep(task: Task, run: Run, name: str, body: dict[str, Any]) -> Artifact:
    storage_type = body["storageType"]
    details = {part: body[part] for part in DETAILS[storage_type] if part in body}
    wanted = Artifact(name, storage_type, body.get("contentType", UNTYPED), parse(body["expires"]), details)
    wanted.present = storage_type != "object"
    known = task.artifacts.setdefault((run.run_id, name), wanted)
    if known is wanted:
        return wanted
    same = (known.storage_type, known.content_type) == (wanted.storage_type, wanted.content_type)
    replaceable = same and (storage_type in ("reference", "object") or known.details == details)
    if not replaceable or wanted.expires < known.expires:
        raise errors.conflict(
            "Artifact already exists with different properties, and none of the allowed exceptions apply: "
            + json.dumps({part: known.wire()[part] for part in ("storageType", "contentType", "expires")}, indent=2)
        )
    known.details |= details
    known.expires = wanted.expires
    return known


def _upload_address(store: Store, artifact: Artifact, path: str, now: int) -> dict[str, Any]:
    until = to_milliseconds(now) + SIGNED_PUT
    return {
        "storageType": "s3",
        "contentType": artifact.content_type,
        "expires": zulu(until),
        "putUrl": store.signed_put(path, artifact.content_type, now, until),
    }


def _upload_object(issuer: Issuer, task: Task, run: Run, artifact: Artifact, now: int) -> dict[str, Any]:
    project = task.definition["projectId"]
    name = f"t/{key(task, run, artifact.name)}"
    upload_id = artifact.details.setdefault("uploadId", new_slug())
    client = f"artifact-upload/{task.task_id}/{run.run_id}/on/{run.worker_group}/{run.worker_id}"
    scopes = [f"object:upload:{project}:{name}"]
    return {
        "storageType": "object",
        "name": name,
        "projectId": project,
        "uploadId": upload_id,
        "expires": zulu(artifact.expires),
        "credentials": issuer.issue(client, scopes, now, to_milliseconds(now) + SIGNED_PUT),
    }


def finish(ledger: Ledger, task_id: str, run_id: int, name: str, upload_id: str, now: int) -> None:
    """Make an uploaded object artifact visible; a repeat is announced again."""
    task = ledger.tasks.get(task_id)
    artifact = task.artifacts.get((run_id, name)) if task else None
    if task is None or artifact is None:
        raise errors.not_found("Artifact not found")
    if artifact.storage_type != "object":
        raise errors.input_error("Only object artifacts can be finished")
    if artifact.details["uploadId"] != upload_id:
        raise errors.input_error("Invalid uploadId")
    artifact.present = True
    ledger.publish(messages.artifact_created(now, task, task.runs[run_id], artifact))


def latest_run(ledger: Ledger, task_id: str) -> int:
    """Tell the last run of a task, which readers mean when they name none."""
    task = ledger.tasks.get(task_id)
    if task is None or not task.runs:
        raise errors.not_found("Task not found" if task is None else "Task doesn't have any runs")
    return len(task.runs) - 1


def find(ledger: Ledger, task_id: str, run_id: int, name: str, now: int) -> Artifact:
    """Find an artifact that readers may see, or refuse with 404."""
    task = ledger.tasks.get(task_id)
    artifact = task.artifacts.get((run_id, name)) if task else None
    if artifact is None or not artifact.present or artifact.expires < now:
        raise errors.not_found("Artifact not found")
    return artifact


def follow(ledger: Ledger, task_id: str, run_id: int, name: str, now: int) -> Artifact:
    """Find an artifact and go on through links, which are aliases inside one run."""
    artifact = find(ledger, task_id, run_id, name, now)
    seen = {name}
    while artifact.storage_type == "link":
        target = artifact.details["artifact"]
        if target in seen:
            raise errors.not_found("Artifact not found")
        seen.add(target)
        artifact = find(ledger, task_id, run_id, target, now)
    return artifact


def links(ledger: Ledger, task_id: str, run_id: int, name: str) -> list[str]:
    """List the names that reading an artifact needs scopes for: its own and those its links lead to."""
    task = ledger.tasks.get(task_id)
    names = [name]
    while task is not None:
        artifact = task.artifacts.get((run_id, names[-1]))
        if artifact is None or artifact.storage_type != "link" or artifact.details["artifact"] in names:
            break
        names.append(artifact.details["artifact"])
    return names


def location(store: Store, artifact: Artifact, path: str, now: int) -> str:
    """Tell where the bytes of an artifact are; private ones by an address signed for half an hour."""
    if artifact.storage_type == "reference":
        return str(artifact.details["url"])
    if artifact.storage_type == "object":
        return store.object_address(f"t/{path}")
    if artifact.name.startswith("public/"):
        return store.public_address(path)
    return store.signed_get(path, now, now + 30 * MINUTE)


def listed(ledger: Ledger, task_id: str, run_id: int) -> list[Artifact]:
    """List the artifacts of a run by name, as a database sorts names: punctuation counts last."""
    task = ledger.task(task_id, "Are you sure it was created?")
    run = ledger.run(task, run_id)
    seen = [item for (owner, _), item in task.artifacts.items() if owner == run.run_id and item.present]
    return sorted(seen, key=lambda item: ("".join(filter(str.isalnum, item.name)).lower(), item.name))
