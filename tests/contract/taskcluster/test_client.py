"""The unmodified Taskcluster client carries runs through the double."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import taskcluster
import taskcluster.aio
from taskcluster.aio.download import downloadArtifactToBuf
from taskcluster.exceptions import TaskclusterAuthFailure, TaskclusterConnectionError, TaskclusterRestFailure

from tests.contract.taskcluster.definitions import definition, in_an_hour
from tests.doubles.taskcluster.server import Server

QUEUE = "proj/queue"
WORKER = {"workerGroup": "buildbot", "workerId": "bm01"}
Make = Callable[..., Any]


async def _created(client: Make, **changes: Any) -> str:
    task_id = taskcluster.slugId()
    await client("root").createTask(task_id, definition(**changes))
    return task_id


async def _claimed(client: Make, task_id: str, run_id: int = 0) -> Any:
    scopes = [f"queue:claim-task:{QUEUE}", "queue:worker-id:buildbot/bm01"]
    return await client("bridge", scopes).claimTask(task_id, str(run_id), WORKER)


async def test_a_run_lives_with_narrowed_credentials_of_its_own(client: Make, http: aiohttp.ClientSession) -> None:
    task_id = await _created(client, scopes=["assume:builders"])
    listed = await client("bridge", [f"queue:pending-list:{QUEUE}"]).listPendingTasks(QUEUE)
    assert [row["taskId"] for row in listed["tasks"]] == [task_id]
    claim = await _claimed(client, task_id)
    assert claim["task"]["payload"] == {"buildername": "linux"}
    assert claim["takenUntil"].endswith("+00:00")
    reclaim = await client(claim["credentials"], [f"queue:reclaim-task:{task_id}/0"]).reclaimTask(task_id, "0")
    assert reclaim["takenUntil"] >= claim["takenUntil"][:23]
    uploads = client(reclaim["credentials"], [f"queue:create-artifact:{task_id}/0"])
    artifact = {"storageType": "s3", "contentType": "text/plain", "expires": in_an_hour()}
    upload = await uploads.createArtifact(task_id, "0", "public/logs/live.log", artifact)
    async with http.put(upload["putUrl"], data=b"all is well", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 200
    done = await client(reclaim["credentials"], [f"queue:resolve-task:{task_id}/0"]).reportCompleted(task_id, "0")
    assert done["status"]["state"] == "completed"
    address = client("root").buildUrl("getLatestArtifact", task_id, "public/logs/live.log")
    async with http.get(address) as answer:
        assert (await answer.text(), answer.content_type) == ("all is well", "text/plain")


async def test_the_download_helper_of_the_client_finds_an_artifact(client: Make, http: aiohttp.ClientSession) -> None:
    task_id = await _created(client)
    await _claimed(client, task_id)
    for name in ("public/x", "private/x"):
        artifact = {"storageType": "s3", "contentType": "text/plain", "expires": in_an_hour()}
        upload = await client("root").createArtifact(task_id, "0", name, artifact)
        async with http.put(upload["putUrl"], data=name.encode(), headers={"Content-Type": "text/plain"}) as answer:
            assert answer.status == 200
        queue = client("root")
        found, kind = await downloadArtifactToBuf(taskId=task_id, name=name, queueService=queue)
        assert (bytes(found), kind) == (name.encode(), "text/plain")


async def test_a_second_process_claims_again_and_both_sets_of_credentials_work(client: Make) -> None:
    task_id = await _created(client)
    first = await _claimed(client, task_id)
    second = await _claimed(client, task_id)
    assert second["status"]["runs"][0]["takenUntil"] == first["status"]["runs"][0]["takenUntil"]
    for claim in (first, second):
        await client(claim["credentials"]).reclaimTask(task_id, "0")
    retried = await client(second["credentials"]).reportException(task_id, "0", {"reason": "intermittent-task"})
    assert retried["status"]["runs"][1]["reasonCreated"] == "task-retry"
    await _claimed(client, task_id, 1)
    with pytest.raises(TaskclusterRestFailure) as refused:
        await client(second["credentials"]).reportCompleted(task_id, "1")
    assert refused.value.status_code == 403


async def test_refusals_reach_the_client_as_from_taskcluster(client: Make) -> None:
    task_id = await _created(client)
    unknown = taskcluster.slugId()
    for call, status, code in (
        (client("bridge").status(unknown), 404, "ResourceNotFound"),
        (client("bridge").reclaimTask(task_id, "0"), 403, "InsufficientScopes"),
        (client("bridge").claimTask(task_id, "0", {}), 400, "InputValidationError"),
        (client("root").reportCompleted(task_id, "0"), 409, "RequestConflict"),
    ):
        with pytest.raises(TaskclusterRestFailure) as refused:
            await call
        assert (refused.value.status_code, refused.value.body["code"]) == (status, code)
        assert refused.value.body["requestInfo"]["time"].endswith("Z")


async def test_bad_credentials_are_an_authentication_failure(client: Make, double: Server) -> None:
    for who in (
        {"clientId": "bridge", "accessToken": "wrong"},
        {"clientId": "nobody at all", "accessToken": "wrong"},
    ):
        with pytest.raises(TaskclusterAuthFailure):
            await client(who).listPendingTasks(QUEUE)
    with pytest.raises(TaskclusterAuthFailure):
        await client("bridge", ["queue:cancel-task:*"]).listPendingTasks(QUEUE)


async def test_an_internal_error_is_a_bare_response_error(client: Make) -> None:
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await client("root").reclaimTask(await _created(client), "0")
    assert refused.value.status == 500


async def test_no_server_is_a_connection_error(client: Make, http: aiohttp.ClientSession) -> None:
    gone = taskcluster.aio.Queue({"rootUrl": "http://127.0.0.1:1", "maxRetries": 0}, session=http)
    with pytest.raises(TaskclusterConnectionError):
        await gone.ping()


async def test_temporary_credentials_made_by_the_client_work_until_a_grace_after_their_expiry(client: Make) -> None:
    def made(seconds_to_expiry: int) -> dict[str, str]:
        now = dt.datetime.now(dt.UTC)
        expiry = now + dt.timedelta(seconds=seconds_to_expiry)
        start = expiry - dt.timedelta(hours=1)
        scopes = [f"queue:pending-list:{QUEUE}"]
        return taskcluster.createTemporaryCredentials("bridge", "token of the bridge", start, expiry, scopes)

    for good in (60, -280):
        assert await client(made(good)).listPendingTasks(QUEUE) == {"tasks": []}
    with pytest.raises(TaskclusterAuthFailure, match=r"certificate\.expiry"):
        await client(made(-310)).listPendingTasks(QUEUE)
    forged = made(60) | {"accessToken": "wrong"}
    with pytest.raises(TaskclusterAuthFailure):
        await client(forged).listPendingTasks(QUEUE)


async def test_too_many_authorized_scopes_do_not_fit_into_the_header(client: Make) -> None:
    def narrowed(count: int) -> Any:
        return client("bridge", [f"queue:status:{taskcluster.slugId()}" for _ in range(count)])

    assert (await narrowed(40).ping())["alive"]
    task_id = await _created(client)
    assert await narrowed(40).status(task_id)
    with pytest.raises(TaskclusterAuthFailure):
        await narrowed(80).listPendingTasks(QUEUE)


async def test_roles_are_expanded(client: Make) -> None:
    auth = client("bridge", service=taskcluster.aio.Auth)
    expanded = await auth.expandScopes({"scopes": ["assume:builders"]})
    assert expanded == {"scopes": ["assume:builders", "buildbot-bridge:builder-name:linux"]}
    assert (await client("root", service=taskcluster.aio.Auth).role("builders"))["scopes"] == [
        "buildbot-bridge:builder-name:linux"
    ]


async def test_a_waiting_claim_work_gets_the_task_that_comes(client: Make) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(client("root").claimWork(QUEUE, {**WORKER, "tasks": 1}))
        task_id = await _created(client)
    assert [item["status"]["taskId"] for item in waiting.result()["tasks"]] == [task_id]
    assert await client("root").claimWork(QUEUE, {**WORKER, "tasks": 1}) == {"tasks": []}


async def test_resolvers_run_by_themselves(client: Make, double: Server) -> None:
    first = await _created(client)
    second = await _created(client, dependencies=[first], taskGroupId=first)
    await client("root").cancelTask(first)
    third = await _created(client, dependencies=[first], requires="all-resolved")
    assert (await client("root").status(third))["status"]["state"] == "pending"
    assert (await client("root").status(second))["status"]["state"] == "unscheduled"
    double.site.ledger.periods.claim = 50_000
    await _claimed(client, third)
    async with asyncio.timeout(10):
        while (await client("root").status(third))["status"]["runs"][0]["state"] == "running":
            await asyncio.sleep(0.02)
    assert (await client("root").status(third))["status"]["runs"][0]["reasonResolved"] == "claim-expired"


@pytest.mark.parametrize("service", [taskcluster.aio.Queue, taskcluster.aio.Auth])
async def test_services_answer_to_ping(client: Make, service: Any) -> None:
    assert (await client("root", service=service).ping())["alive"] is True
