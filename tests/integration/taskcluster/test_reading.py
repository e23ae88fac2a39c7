"""Reads: batched, remembered, paged, and sure of what they say."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import slugid
from yarl import URL

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Definition
from bridge.core.run import RunKey, TaskId
from bridge.core.status import RunState
from bridge.engine import ports
from bridge.taskcluster.queue import Queue
from tests.integration.taskcluster.conftest import POOL, SCOPES, WORKER, Site, site_with


def fits(queue: Queue) -> ports.Queue:
    """The room's queue is the one that the engine asks for; mypy checks it here."""
    return queue


async def test_a_status_tells_runs_and_times(site: Site) -> None:
    key = await site.create(priority="high")
    status = await fits(site.queue).status(key.task_id)
    assert (status.task_id, status.task_queue_id, status.scheduler_id) == (key.task_id, POOL, "test")
    assert (status.priority, status.retries_left, status.state) == ("high", 5, "pending")
    (run,) = status.runs
    assert run.state is RunState.PENDING
    assert run.worker is None
    assert abs(run.scheduled - datetime.now(UTC)) < timedelta(seconds=10)
    await site.queue.claim(key, WORKER, POOL)
    (run,) = (await site.queue.status(key.task_id)).runs
    assert (run.state, run.worker) == (RunState.RUNNING, WORKER)
    assert run.taken_until is not None


async def test_dependencies_are_read_in_a_batch_and_unknown_tasks_left_out(site: Site) -> None:
    first = await site.create()
    second = await site.create(dependencies=[first.task_id])
    found = await site.queue.dependencies([first.task_id, second.task_id, TaskId(slugid.nice())])
    assert found == {first.task_id: (), second.task_id: (first.task_id,)}
    assert site.calls("queue.tasks") == 1
    assert await site.queue.dependencies([]) == {}


async def test_readers_at_the_same_time_share_calls(site: Site) -> None:
    keys = [await site.create() for _ in range(20)]
    found = await asyncio.gather(*(site.queue.status(key.task_id) for key in keys * 3))
    assert [status.task_id for status in found] == [key.task_id for key in keys * 3]
    assert (site.calls("queue.statuses"), site.calls("queue.status")) == (1, 0)
    await asyncio.gather(*(site.queue.definition(key.task_id) for key in keys * 3))
    assert (site.calls("queue.tasks"), site.calls("queue.task")) == (1, 0)


async def test_what_a_batch_leaves_out_is_asked_for_by_name_before_it_counts_as_missing(site: Site) -> None:
    known, unknown = await site.create(), TaskId(slugid.nice())
    for read, single in ((site.queue.status, "queue.status"), (site.queue.definition, "queue.task")):
        answers = await asyncio.gather(read(known.task_id), read(unknown), return_exceptions=True)
        assert isinstance(answers[1], faults.Missing)
        assert not isinstance(answers[0], Exception)
        assert site.calls(single) == 1
    assert set(await site.queue.statuses([known.task_id, unknown])) == {known.task_id}


async def test_a_thousand_ids_a_call_and_no_pages(site: Site) -> None:
    key = await site.create()
    ids = [TaskId(slugid.nice()) for _ in range(2400)] + [key.task_id]
    assert set(await site.queue.statuses(ids)) == {key.task_id}
    assert site.calls("queue.statuses") == 3
    assert await site.queue.statuses([]) == {}
    assert site.calls("queue.statuses") == 3


async def test_a_definition_is_read_once(site: Site) -> None:
    key = await site.create()
    expected = Definition({"buildername": "linux", "properties": {"n": 1}}, ("buildbot-bridge:builder-name:linux",))
    assert await site.queue.definition(key.task_id) == expected
    assert await site.queue.definition(key.task_id) == expected
    assert site.calls("queue.tasks") == 1


async def test_pending_runs_come_with_their_definitions(site: Site) -> None:
    keys = {await site.create() for _ in range(5)}
    await site.create(taskQueueId="proj-test/other")
    pages = [page async for page in site.queue.pending(POOL)]
    assert {run.key for page in pages for run in page} == keys
    payload = {"buildername": "linux", "properties": {"n": 1}}
    assert all(run.definition.payload == payload for page in pages for run in page)
    await asyncio.gather(*(site.queue.definition(key.task_id) for key in keys))
    assert site.calls("queue.tasks") == 0
    await site.queue.claim(keys.pop(), WORKER, POOL)
    assert {run.key for page in [page async for page in site.queue.pending(POOL)] for run in page} == keys


async def test_many_pending_runs_come_page_by_page_each_once(site: Site) -> None:
    keys: set[RunKey] = set()
    for _ in range(26):
        keys.update(await asyncio.gather(*(site.create() for _ in range(50))))
    pages = [page async for page in site.queue.pending(POOL)]
    found = [run.key for page in pages for run in page]
    assert set(found) == keys
    assert len(found) == len(keys)
    assert len(pages) >= 2


async def test_roles_are_expanded_once_for_a_while(site: Site) -> None:
    for _ in range(3):
        found = await site.queue.expanded(["assume:builders", "x"])
        assert {"assume:builders", "buildbot-bridge:builder-name:linux", "x"} <= found
    assert site.calls("auth.expandScopes") == 1


@pytest.mark.parametrize("kind", [{"status": 500}, {"status": 502, "kind": "html"}, {"kind": "drop"}])
async def test_a_read_survives_one_stumble(site: Site, kind: dict[str, object]) -> None:
    key = await site.create()
    for api in ("queue.statuses", "queue.tasks", "queue.listPendingTasks", "auth.expandScopes"):
        site.fault(api, **kind)
    assert (await site.queue.status(key.task_id)).task_id == key.task_id
    assert await site.queue.definition(key.task_id)
    assert [page async for page in site.queue.pending(POOL)]
    assert await site.queue.expanded(["assume:builders"])
    assert not any(fault.count for fault in site.double.faults.switched_on)


async def test_a_read_gives_up_when_the_trouble_lasts(site: Site) -> None:
    key = await site.create()
    site.fault("queue.statuses", kind="html", count=50)
    with pytest.raises(faults.Unavailable, match="HTTP 502"):
        await site.queue.status(key.task_id)
    assert site.calls("queue.statuses") == 3


async def test_a_client_without_the_scope_is_told_which_one_is_missing() -> None:
    async with site_with(scopes=[scope for scope in SCOPES if "pending-list" not in scope]) as site:
        with pytest.raises(faults.NotAllowed, match=f"queue:pending-list:{POOL}"):
            await anext(site.queue.pending(POOL))


async def test_exchanged_credentials_work_without_a_restart(site: Site) -> None:
    key = await site.create()
    good, site.token[0] = site.token[0], "canary-wrong"
    with pytest.raises(faults.NotAllowed) as caught:
        await site.queue.status(key.task_id)
    assert "401" in str(caught.value)
    assert "canary" not in repr(caught.value)
    site.token[0] = good
    assert await site.queue.status(key.task_id)


async def test_the_clients_scopes_can_be_listed(site: Site) -> None:
    assert set(SCOPES) <= await site.queue.current_scopes()
    await site.queue.ping()


async def test_a_clock_that_is_right_is_not_spoken_of(site: Site) -> None:
    key = await site.create()
    assert (await site.queue.status(key.task_id)).task_id == key.task_id
    assert site.skews == []


async def test_every_call_is_counted_with_its_end(site: Site) -> None:
    key = await site.create()
    await site.queue.status(key.task_id)
    with pytest.raises(faults.Missing):
        await site.queue.status(TaskId(slugid.nice()))
    assert site.told[("queue.statuses", "ok")] == 2
    assert site.told[("queue.status", "Missing")] == 1


async def test_the_hash_of_a_definition_is_what_anybody_can_reckon(site: Site) -> None:
    key = await site.create(extra={"é": [1.5, {"b": None, "a": 2}]})
    known = await site.queue.definition_hash(key.task_id)
    url = f"{site.double.root_url}/api/queue/v1/task/{key.task_id}"
    async with site.http.get(url) as answer:
        task = await answer.json()
    del task["priority"]
    spelled = json.dumps(task, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert known == hashlib.sha256(spelled.encode()).hexdigest()
    await site.admin.changeTaskPriority(key.task_id, {"newPriority": "high"})
    assert await site.queue.definition_hash(key.task_id) == known
    assert await site.queue.definition_hash((await site.create()).task_id) != known


async def test_an_artifact_has_an_address_in_its_run(site: Site) -> None:
    key = await site.claimed()
    name = "public/a name/100%#?.txt"
    await site.queue.attach(key, Artifact(name, "text/plain", datetime.now(UTC) + timedelta(days=1), body=b"x"))
    async with site.http.get(URL(site.queue.artifact_address(key, name), encoded=True)) as answer:
        assert await answer.read() == b"x"
