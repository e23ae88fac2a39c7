"""The index service, as Taskcluster's source has it: no recording shows it."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import taskcluster.aio
from taskcluster.exceptions import TaskclusterRestFailure

from tests.contract.taskcluster.definitions import definition, in_an_hour
from tests.doubles.taskcluster.identifiers import new_slug
from tests.doubles.taskcluster.instants import DAY, parse, zulu
from tests.doubles.taskcluster.server import Server

Make = Callable[..., Any]
WORKER = {"workerGroup": "buildbot", "workerId": "bm01"}
BODY = {"rank": 0, "data": {}, "expires": "2099-01-01T00:00:00.000Z"}


@pytest.fixture
def index(client: Make) -> Any:
    return client("root", service=taskcluster.aio.Index)


async def _refused(answer: Any) -> tuple[int, str]:
    with pytest.raises(TaskclusterRestFailure) as caught:
        await answer
    return caught.value.status_code, caught.value.body["code"]


async def _claimed(client: Make, **changes: Any) -> str:
    task_id = new_slug()
    await client("root").createTask(task_id, definition(**changes))
    await client("root").claimTask(task_id, "0", WORKER)
    return task_id


async def _done(client: Make, how: str = "reportCompleted", **changes: Any) -> str:
    task_id = await _claimed(client, **changes)
    await getattr(client("root"), how)(task_id, "0")
    return task_id


async def test_a_task_is_indexed_by_its_routes_when_it_completes(client: Make, index: Any) -> None:
    routes = ["index.demo.latest.build", "index.demo.rev.1", "index..not.a.path", "notify.index.x"]
    task_id = await _claimed(client, routes=routes)
    assert await _refused(index.findTask("demo.latest.build")) == (404, "ResourceNotFound")
    await client("root").reportCompleted(task_id, "0")
    expires = (await client("root").task(task_id))["expires"]
    found = await index.findTask("demo.latest.build")
    assert found == {"namespace": "demo.latest.build", "taskId": task_id, "rank": 0, "data": {}, "expires": expires}
    assert (await index.findTask("demo.rev.1"))["taskId"] == task_id
    assert [each["name"] for each in (await index.listNamespaces("demo"))["namespaces"]] == ["latest", "rev"]


@pytest.mark.parametrize("how", ["reportFailed", "reportException"])
async def test_a_task_that_does_not_complete_is_not_indexed(how: str, client: Make, index: Any) -> None:
    task_id = await _claimed(client, routes=["index.demo.never"])
    body = [{"reason": "internal-error"}] if how == "reportException" else []
    await getattr(client("root"), how)(task_id, "0", *body)
    assert await _refused(index.findTask("demo.never")) == (404, "ResourceNotFound")


async def test_extra_says_rank_data_and_expiry(client: Make, index: Any) -> None:
    told = {"rank": 7, "data": {"hello": "world"}, "expires": in_an_hour()}
    task_id = await _done(client, routes=["index.demo.ranked"], extra={"index": told})
    assert await index.findTask("demo.ranked") == {"namespace": "demo.ranked", "taskId": task_id, **told}


@pytest.mark.parametrize("wrong", [{"rank": "7"}, {"data": "text"}])
async def test_extra_that_makes_no_sense_is_not_indexed(wrong: dict[str, Any], client: Make, index: Any) -> None:
    await _done(client, routes=["index.demo.senseless"], extra={"index": wrong})
    assert await _refused(index.findTask("demo.senseless")) == (404, "ResourceNotFound")


async def test_the_later_of_equal_rank_stays_and_a_lower_rank_changes_nothing(client: Make, index: Any) -> None:
    high, equal, low = [new_slug() for _ in range(3)]
    await index.insertTask("a.b", BODY | {"taskId": high, "rank": 2})
    assert (await index.insertTask("a.b", BODY | {"taskId": equal, "rank": 2}))["taskId"] == equal
    assert (await index.insertTask("a.b", BODY | {"taskId": low, "rank": 1}))["taskId"] == equal
    assert (await index.findTask("a.b"))["taskId"] == equal


async def test_a_lost_message_is_never_indexed_and_one_sent_again_is(
    client: Make, index: Any, double: Server, http: aiohttp.ClientSession
) -> None:
    control = f"{double.root_url}/control"
    first = await _done(client, routes=["index.demo.lost"])
    async with http.post(f"{control}/messages/lose", json={"exchange": "task-completed", "seconds": 60}):
        await _done(client, routes=["index.demo.lost"])
    assert (await index.findTask("demo.lost"))["taskId"] == first
    await index.deleteTask("demo.lost")
    assert await _refused(index.findTask("demo.lost")) == (404, "ResourceNotFound")
    async with http.post(f"{control}/messages/republish", json={"taskId": first}):
        assert (await index.findTask("demo.lost"))["taskId"] == first


async def test_a_batch_leaves_out_what_is_absent_and_asks_for_every_scope(client: Make, index: Any) -> None:
    task_id = new_slug()
    await index.insertTask("a.b", BODY | {"taskId": task_id})
    await index.insertTask("root", BODY | {"taskId": task_id})
    found = await index.findTasksAtIndex({"indexes": ["a.b", "a.none", "root"]})
    assert found == {"tasks": [{"namespace": "a.b", "taskId": task_id, **BODY}]}
    narrow = client("root", ["index:find-task:a.b"], taskcluster.aio.Index)
    assert await narrow.findTasksAtIndex({"indexes": ["a.b"]}) == found
    assert await _refused(narrow.findTasksAtIndex({"indexes": ["a.b", "a.c"]})) == (403, "InsufficientScopes")


async def test_an_expired_entry_is_absent_except_from_a_batch(client: Make, index: Any) -> None:
    past = "2020-01-01T00:00:00.000Z"
    await index.insertTask("old.task", BODY | {"taskId": new_slug(), "expires": past})
    assert await _refused(index.findTask("old.task")) == (404, "ResourceNotFound")
    assert (await index.listTasks("old"))["tasks"] == []
    assert (await index.listNamespaces("old"))["namespaces"] == []
    assert len((await index.findTasksAtIndex({"indexes": ["old.task"]}))["tasks"]) == 1


async def test_lists_go_by_name_and_in_pages(index: Any, double: Server, http: aiohttp.ClientSession) -> None:
    for name in ("c", "a", "b.deep"):
        await index.insertTask(f"n.{name}", BODY | {"taskId": new_slug()})
    page = await index.listTasks("n", query={"limit": 1})
    assert [each["namespace"] for each in page["tasks"]] == ["n.a"]
    rest = await index.listTasks("n", query={"continuationToken": page["continuationToken"]})
    assert [each["namespace"] for each in rest["tasks"]] == ["n.c"]
    (below,) = (await index.listNamespaces("n"))["namespaces"]
    assert below == {"namespace": "n.b", "name": "b", "expires": zulu(parse(BODY["expires"]) + DAY)}
    anonymous = {"anonymous": ["index:list-namespaces:*"]}
    async with http.put(f"{double.root_url}/control/roles", json=anonymous) as answer:
        assert answer.status == 200
    async with http.get(f"{double.root_url}/api/index/v1/namespaces/") as answer:
        assert [each["namespace"] for each in (await answer.json())["namespaces"]] == ["n"]


async def test_an_artifact_is_found_by_path(client: Make, index: Any, double: Server, http: aiohttp.ClientSession) -> None:
    task_id = await _claimed(client, routes=["index.demo.file"])
    artifact = {"storageType": "s3", "contentType": "text/plain", "expires": in_an_hour()}
    put = (await client("root").createArtifact(task_id, "0", "public/x.txt", artifact))["putUrl"]
    async with http.put(put, data=b"hello", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 200
    await client("root").reportCompleted(task_id, "0")
    at = f"{double.root_url}/api/index/v1/task/demo.file/artifacts"
    async with http.get(f"{at}/public/x.txt") as answer:
        assert (answer.status, await answer.text()) == (200, "hello")
    async with http.get(f"{at}/public/none.txt", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["location"] == f"{double.root_url}/api/queue/v1/task/{task_id}/artifacts/public%2Fnone.txt"
    async with http.get(f"{at}/private.txt") as answer:
        assert answer.status == 403


async def test_what_no_path_is_and_what_is_absent_are_told_apart(index: Any, double: Server) -> None:
    assert await _refused(index.findTask("a..b")) == (400, "InvalidRequestArguments")
    with pytest.raises(TaskclusterRestFailure) as caught:
        await index.findTask("a.b")
    body = caught.value.body
    assert body["message"].startswith("Indexed task not found\n\n---\n\n* method:     findTask\n")
    assert body["requestInfo"]["params"] == {"indexPath": "a.b"}
    assert await _refused(index.insertTask("a.b", BODY)) == (400, "InputValidationError")


async def test_reading_the_index_needs_scopes(client: Make) -> None:
    bridge = client("bridge", service=taskcluster.aio.Index)
    assert await _refused(bridge.findTask("a.b")) == (403, "InsufficientScopes")
    assert await _refused(bridge.listTasks("a")) == (403, "InsufficientScopes")
