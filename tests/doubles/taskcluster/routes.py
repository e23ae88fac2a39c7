"""The table of all calls: name, method, path, what it does, what it needs."""

from tests.doubles.taskcluster import group_calls, index_calls, other_calls, queue_calls, schemas
from tests.doubles.taskcluster.api import Route

_QUEUE = "/api/queue/v1"
_TASK = f"{_QUEUE}/task/<taskId>"
_RUN = f"{_TASK}/runs/<runId>"
_GROUP = f"{_QUEUE}/task-group/<taskGroupId>"
_OF_QUEUE = f"{_QUEUE}/task-queues/<taskQueueId>"
_WORKERS = f"{_QUEUE}/provisioners/<provisionerId>/worker-types/<workerType>/workers"
_WORKER = f"{_WORKERS}/<workerGroup>/<workerId>"
_AUTH = "/api/auth/v1"
_OBJECT = "/api/object/v1"
_INDEX = "/api/index/v1"
_INDEXED = f"{_INDEX}/task/<indexPath>"

_PAGED = ("limit", "continuationToken")
_RESOLVE = "queue:resolve-task:<taskId>/<runId>"
_UPLOAD = "queue:create-artifact:<taskId>/<runId>"
_BROWSE = "queue:list-artifacts:<taskId>:<runId>"
_BROWSE_LATEST = "queue:list-artifacts:<taskId>"
_COUNTS = {"AllOf": ["queue:pending-count:<taskQueueId>", "queue:claimed-count:<taskQueueId>"]}

HEALTH = tuple(
    Route(f"{service}.{name}", "GET", f"/api/{service}/v1/{path}", perform)
    for service in ("queue", "auth", "index")
    for name, path, perform in (
        ("ping", "ping", queue_calls.ping),
        ("heartbeat", "__heartbeat__", queue_calls.heartbeat),
        ("lbheartbeat", "__lbheartbeat__", queue_calls.heartbeat),
    )
)

TASKS = (
    Route("queue.createTask", "PUT", _TASK, queue_calls.create_task, shape=schemas.TASK),
    Route("queue.task", "GET", _TASK, queue_calls.task, "queue:get-task:<taskId>"),
    Route("queue.status", "GET", f"{_TASK}/status", queue_calls.status, "queue:status:<taskId>"),
    Route("queue.statuses", "POST", f"{_QUEUE}/tasks/status", queue_calls.statuses, None, schemas.TASK_IDS, _PAGED),
    Route("queue.tasks", "POST", f"{_QUEUE}/tasks", queue_calls.tasks, None, schemas.TASK_IDS, _PAGED),
    Route("queue.cancelTask", "POST", f"{_TASK}/cancel", queue_calls.cancel_task),
    Route("queue.rerunTask", "POST", f"{_TASK}/rerun", queue_calls.rerun_task),
    Route("queue.scheduleTask", "POST", f"{_TASK}/schedule", queue_calls.schedule_task),
    Route(
        "queue.changeTaskPriority",
        "POST",
        f"{_TASK}/priority",
        queue_calls.change_task_priority,
        shape=schemas.TASK_PRIORITY,
    ),
    Route(
        "queue.listDependentTasks",
        "GET",
        f"{_TASK}/dependents",
        group_calls.list_dependents,
        "queue:list-dependent-tasks:<taskId>",
        query=_PAGED,
    ),
)

RUNS = (
    Route("queue.claimTask", "POST", f"{_RUN}/claim", queue_calls.claim_task, shape=schemas.CLAIM),
    Route(
        "queue.reclaimTask",
        "POST",
        f"{_RUN}/reclaim",
        queue_calls.reclaim_task,
        "queue:reclaim-task:<taskId>/<runId>",
    ),
    Route("queue.reportCompleted", "POST", f"{_RUN}/completed", queue_calls.report_completed, _RESOLVE),
    Route("queue.reportFailed", "POST", f"{_RUN}/failed", queue_calls.report_failed, _RESOLVE),
    Route("queue.reportException", "POST", f"{_RUN}/exception", queue_calls.report_exception, _RESOLVE, schemas.EXCEPTION),
    Route(
        "queue.claimWork",
        "POST",
        f"{_QUEUE}/claim-work/<taskQueueId>",
        queue_calls.claim_work,
        shape=schemas.CLAIM_WORK,
    ),
)

ARTIFACTS = (
    Route(
        "queue.createArtifact",
        "POST",
        f"{_RUN}/artifacts/<name>",
        queue_calls.create_artifact,
        _UPLOAD,
        schemas.ARTIFACT,
    ),
    Route(
        "queue.finishArtifact",
        "PUT",
        f"{_RUN}/artifacts/<name>",
        queue_calls.finish_artifact,
        _UPLOAD,
        schemas.FINISH_ARTIFACT,
    ),
    Route("queue.getArtifact", "GET", f"{_RUN}/artifacts/<name>", queue_calls.get_artifact),
    Route("queue.getLatestArtifact", "GET", f"{_TASK}/artifacts/<name>", queue_calls.get_artifact),
    Route("queue.listArtifacts", "GET", f"{_RUN}/artifacts", queue_calls.list_artifacts, _BROWSE, query=_PAGED),
    Route(
        "queue.listLatestArtifacts",
        "GET",
        f"{_TASK}/artifacts",
        queue_calls.list_artifacts,
        _BROWSE_LATEST,
        query=_PAGED,
    ),
    Route("queue.artifact", "GET", f"{_RUN}/artifact-content/<name>", queue_calls.artifact_content),
    Route("queue.latestArtifact", "GET", f"{_TASK}/artifact-content/<name>", queue_calls.artifact_content),
    Route("queue.artifactInfo", "GET", f"{_RUN}/artifact-info/<name>", queue_calls.artifact_info, _BROWSE),
    Route("queue.latestArtifactInfo", "GET", f"{_TASK}/artifact-info/<name>", queue_calls.artifact_info, _BROWSE_LATEST),
)

GROUPS = (
    Route("queue.getTaskGroup", "GET", _GROUP, group_calls.get_group, "queue:list-task-group:<taskGroupId>"),
    Route(
        "queue.listTaskGroup",
        "GET",
        f"{_GROUP}/list",
        group_calls.list_group,
        "queue:list-task-group:<taskGroupId>",
        query=_PAGED,
    ),
    Route("queue.sealTaskGroup", "POST", f"{_GROUP}/seal", group_calls.seal_group),
    Route("queue.cancelTaskGroup", "POST", f"{_GROUP}/cancel", group_calls.cancel_group),
    Route(
        "queue.changeTaskGroupPriority",
        "POST",
        f"{_GROUP}/priority",
        group_calls.change_group_priority,
        shape=schemas.TASK_PRIORITY,
    ),
)

QUEUES = (
    Route(
        "queue.listPendingTasks",
        "GET",
        f"{_OF_QUEUE}/pending",
        queue_calls.list_pending,
        "queue:pending-list:<taskQueueId>",
        query=_PAGED,
    ),
    Route(
        "queue.listClaimedTasks",
        "GET",
        f"{_OF_QUEUE}/claimed",
        queue_calls.list_claimed,
        "queue:claimed-list:<taskQueueId>",
        query=_PAGED,
    ),
    Route("queue.taskQueueCounts", "GET", f"{_OF_QUEUE}/counts", queue_calls.queue_counts, _COUNTS),
    Route(
        "queue.pendingTasks",
        "GET",
        f"{_QUEUE}/pending/<taskQueueId>",
        queue_calls.pending_tasks,
        "queue:pending-count:<taskQueueId>",
    ),
    Route(
        "queue.listWorkers",
        "GET",
        _WORKERS,
        queue_calls.list_workers,
        "queue:list-workers:<provisionerId>/<workerType>",
        query=(*_PAGED, "quarantined"),
    ),
    Route(
        "queue.getWorker",
        "GET",
        _WORKER,
        queue_calls.get_worker,
        "queue:get-worker:<provisionerId>/<workerType>/<workerGroup>/<workerId>",
    ),
    Route(
        "queue.quarantineWorker",
        "PUT",
        _WORKER,
        queue_calls.quarantine_worker,
        "queue:quarantine-worker:<provisionerId>/<workerType>/<workerGroup>/<workerId>",
        schemas.QUARANTINE,
    ),
)

OTHERS = (
    Route(
        "auth.expandScopes",
        "POST",
        f"{_AUTH}/scopes/expand",
        other_calls.expand_scopes,
        "auth:expand-scopes",
        schemas.SCOPES,
    ),
    Route("auth.currentScopes", "GET", f"{_AUTH}/scopes/current", other_calls.current_scopes, "auth:current-scopes"),
    Route("auth.role", "GET", f"{_AUTH}/roles/<roleId>", other_calls.role, "auth:get-role:<roleId>"),
    Route(
        "object.createUpload",
        "PUT",
        f"{_OBJECT}/upload/<name>",
        other_calls.create_upload,
        shape=schemas.CREATE_UPLOAD,
    ),
    Route(
        "object.finishUpload",
        "POST",
        f"{_OBJECT}/finish-upload/<name>",
        other_calls.finish_upload,
        shape=schemas.FINISH_UPLOAD,
    ),
)

# The clients send the root namespace as nothing after the last slash.
INDEX = (
    Route("index.findTask", "GET", _INDEXED, index_calls.find_task, "index:find-task:<indexPath>"),
    Route(
        "index.findTasksAtIndex",
        "POST",
        f"{_INDEX}/tasks/indexes",
        index_calls.find_tasks_at_index,
        shape=schemas.INDEXES,
        query=_PAGED,
    ),
    *(
        Route(f"index.{name}", "GET", f"{_INDEX}/{path}/{last}", perform, f"index:{verb}:{last}", query=_PAGED)
        for name, path, verb, perform in (
            ("listTasks", "tasks", "list-tasks", index_calls.list_tasks),
            ("listNamespaces", "namespaces", "list-namespaces", index_calls.list_namespaces),
        )
        for last in ("<namespace>", "")
    ),
    Route(
        "index.insertTask",
        "PUT",
        f"{_INDEX}/task/<namespace>",
        index_calls.insert_task,
        "index:insert-task:<namespace>",
        schemas.INDEXED,
    ),
    Route(
        "index.deleteTask",
        "DELETE",
        f"{_INDEX}/task/<namespace>",
        index_calls.delete_task,
        "index:delete-task:<namespace>",
    ),
    Route(
        "index.findArtifactFromTask",
        "GET",
        f"{_INDEXED}/artifacts/<name>",
        index_calls.find_artifact,
        "queue:get-artifact:<name>",
    ),
)

ALL = HEALTH + TASKS + RUNS + ARTIFACTS + GROUPS + QUEUES + INDEX + OTHERS
