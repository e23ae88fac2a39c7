"""Claims, reclaims and resolutions: with which credentials, and what an unclear answer is called."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import slugid

from bridge.core import faults
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState
from bridge.core.verdict import Resolution
from tests.integration.taskcluster.conftest import POOL, WORKER, Site, site_with


async def test_a_run_is_carried_from_claim_to_completion_with_its_own_credentials(site: Site) -> None:
    key = await site.create()
    assert not site.queue.holds(key)
    until = await site.queue.claim(key, WORKER, POOL)
    assert timedelta(minutes=19) < until - datetime.now(UTC) <= timedelta(minutes=20)
    assert site.queue.holds(key)
    assert await site.queue.reclaim(key) >= until
    status = await site.queue.resolve(key, Resolution.COMPLETED)
    assert status.runs[0].state is RunState.COMPLETED
    site.queue.forget(key)
    assert not site.queue.holds(key)
    callers = {entry.api: entry.client for entry in site.double.journal.since(0, 1000)}
    assert callers["queue.claimTask"] == "bridge"
    for api in ("queue.reclaimTask", "queue.reportCompleted"):
        assert str(callers[api]).startswith(f"task-client/{key.task_id}/0/on/bridge/linux-1/")


@pytest.mark.parametrize(
    ("resolution", "state", "reason", "runs"),
    [
        (Resolution.COMPLETED, "completed", "completed", 1),
        (Resolution.FAILED, "failed", "failed", 1),
        (Resolution.INTERNAL_ERROR, "exception", "internal-error", 1),
        (Resolution.RESOURCE_UNAVAILABLE, "exception", "resource-unavailable", 1),
        (Resolution.INTERMITTENT_TASK, "exception", "intermittent-task", 2),
        (Resolution.WORKER_SHUTDOWN, "exception", "worker-shutdown", 2),
        (None, "exception", "malformed-payload", 1),
    ],
)
async def test_every_resolution_has_its_report(
    site: Site, resolution: Resolution | None, state: str, reason: str, runs: int
) -> None:
    key = await site.claimed()
    status = await site.queue.resolve(key, resolution)
    assert (status.runs[0].state.value, status.runs[0].reason_resolved, len(status.runs)) == (state, reason, runs)


async def test_no_worker_reports_canceled(site: Site) -> None:
    key = await site.claimed()
    with pytest.raises(ValueError):
        await site.queue.resolve(key, Resolution.CANCELED)


async def test_claiming_again_gives_credentials_to_the_same_worker_only(site: Site) -> None:
    key = await site.create()
    until = await site.queue.claim(key, WORKER, POOL)
    site.queue.forget(key)
    with pytest.raises(faults.Unavailable, match="no credentials"):
        await site.queue.reclaim(key)
    assert await site.queue.claim(key, WORKER, POOL) == until
    assert site.queue.holds(key)
    with pytest.raises(faults.Conflicting):
        await site.queue.claim(key, Worker("bridge", "linux-2"), POOL)


async def test_credentials_are_held_until_the_queue_would_refuse_them(site: Site) -> None:
    key = await site.claimed()
    site.clock[0] += 1200 + 200
    assert site.queue.holds(key)
    site.clock[0] += 60
    assert not site.queue.holds(key)


async def test_each_renewal_brings_credentials_that_outlive_the_older_ones(site: Site) -> None:
    async def later(seconds: int) -> None:
        async with site.http.post(f"{site.double.root_url}/control/clock", json={"advanceSeconds": seconds}) as answer:
            assert answer.status == 200
        site.clock[0] += seconds

    key = await site.claimed()
    old = site.queue._runs.of(key)
    assert old is not None
    await later(1000)
    await site.queue.reclaim(key)
    await later(600)
    with pytest.raises(faults.NotAllowed, match="expiry"):
        await site.queue._calls.queue(old, None, "reclaimTask", key.task_id, "0")
    assert site.queue.holds(key)
    await site.queue.reclaim(key)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, faults.Unavailable),
        ({"status": 500, "effect": True}, faults.Unavailable),
        ({"kind": "html", "status": 502}, faults.Unavailable),
        ({"kind": "html", "status": 504, "effect": True}, faults.Unavailable),
        ({"kind": "html", "status": 404}, faults.Unavailable),
        ({"kind": "html", "status": 400}, faults.Unavailable),
        ({"kind": "html", "status": 409}, faults.Unavailable),
        ({"kind": "html", "status": 200}, faults.Unavailable),
        ({"kind": "html", "status": 302}, faults.Unavailable),
        ({"kind": "drop"}, faults.Unavailable),
        ({"kind": "drop", "effect": True}, faults.Unavailable),
        ({"status": 409}, faults.Conflicting),
        ({"status": 401}, faults.NotAllowed),
        ({"status": 403}, faults.NotAllowed),
        ({"kind": "html", "status": 403}, faults.NotAllowed),
        ({"status": 404}, faults.Missing),
        ({"status": 400}, faults.Unfit),
    ],
)
async def test_an_act_that_went_wrong_is_named_and_never_repeated(
    site: Site, fault: dict[str, Any], kind: type[faults.Fault]
) -> None:
    acts = {
        "queue.claimTask": lambda key: site.queue.claim(key, WORKER, POOL),
        "queue.reclaimTask": site.queue.reclaim,
        "queue.reportCompleted": lambda key: site.queue.resolve(key, Resolution.COMPLETED),
        "queue.reportException": lambda key: site.queue.resolve(key, None),
        "queue.cancelTask": lambda key: site.queue.cancel_task(key.task_id),
    }
    for api, act in acts.items():
        key = await site.claimed()
        before = site.calls(api)
        site.fault(api, **fault)
        with pytest.raises(faults.Fault) as caught:
            await act(key)
        assert isinstance(caught.value, kind), (api, caught.value)
        assert site.calls(api) == before + 1
        assert caught.value.__cause__ is None


async def test_an_answer_that_comes_too_late_is_no_answer_and_the_effect_stays() -> None:
    async with site_with(timeout=0.5) as site:
        key = await site.create()
        site.fault("queue.claimTask", kind="delay", seconds=1.5)
        with pytest.raises(faults.Unavailable, match="TimeoutError"):
            await site.queue.claim(key, WORKER, POOL)
        async with asyncio.timeout(5):
            while (await site.queue.status(key.task_id)).runs[0].state is not RunState.RUNNING:
                await asyncio.sleep(0.05)
        assert not site.queue.holds(key)
        await site.queue.claim(key, WORKER, POOL)
        assert site.queue.holds(key)


@pytest.mark.parametrize("given", [None, 7])
async def test_a_429_tells_how_long_to_wait(site: Site, given: int | None) -> None:
    key = await site.claimed()
    site.fault("queue.reclaimTask", kind="html", status=429, retryAfter=given)
    with pytest.raises(faults.Unavailable) as caught:
        await site.queue.reclaim(key)
    assert caught.value.retry_after == 5.0
    site.fault("queue.reclaimTask", kind="status", status=503, code="InternalServerError", retryAfter=given)
    with pytest.raises(faults.Unavailable) as caught:
        await site.queue.reclaim(key)
    assert caught.value.retry_after == given


async def test_a_quarantined_worker_is_not_now(site: Site) -> None:
    key = await site.create()
    site.double.site.ledger.quarantined.add((WORKER.group, WORKER.id))
    with pytest.raises(faults.Unavailable):
        await site.queue.claim(key, WORKER, POOL)
    assert not site.queue.holds(key)
    assert (await site.queue.status(key.task_id)).runs[0].state is RunState.PENDING


async def test_what_the_states_matrix_refuses_is_a_conflict_or_missing(site: Site) -> None:
    key = await site.create()
    await site.admin.cancelTask(key.task_id)
    with pytest.raises(faults.Conflicting):
        await site.queue.claim(key, WORKER, POOL)
    with pytest.raises(faults.Missing):
        await site.queue.claim(RunKey(TaskId(slugid.nice()), RunId(0)), WORKER, POOL)
    with pytest.raises(faults.Missing):
        await site.queue.claim(RunKey(key.task_id, RunId(7)), WORKER, POOL)
    cancelled = await site.claimed()
    await site.admin.cancelTask(cancelled.task_id)
    with pytest.raises(faults.Conflicting):
        await site.queue.reclaim(cancelled)
    with pytest.raises(faults.Conflicting):
        await site.queue.resolve(cancelled, Resolution.COMPLETED)


async def test_an_identity_that_taskcluster_does_not_take_is_unfit(site: Site) -> None:
    with pytest.raises(faults.Unfit):
        await site.queue.claim(await site.create(), Worker("bridge", "w" * 39), POOL)


async def test_a_task_can_be_cancelled_where_the_client_may(site: Site) -> None:
    key = await site.claimed()
    status = await site.queue.cancel_task(key.task_id)
    assert status.runs[0].reason_resolved == "canceled"
    other = await site.claimed(schedulerId="somebody-else")
    with pytest.raises(faults.NotAllowed, match="queue:cancel-task:somebody-else"):
        await site.queue.cancel_task(other.task_id)


async def test_every_call_is_narrowed_to_what_it_needs(site: Site) -> None:
    """The credentials of a run carry the scopes of its task: a run whose task may do anything still only does its own."""
    key = await site.claimed(scopes=["*"])
    who = site.queue._runs.of(key)
    assert who is not None
    other = await site.claimed()
    calls = site.queue._calls
    scopes = [f"queue:resolve-task:{key.task_id}/0"]
    with pytest.raises(faults.NotAllowed):
        await calls.queue(who, scopes, "reportCompleted", other.task_id, "0")
    await calls.queue(who, None, "reportCompleted", other.task_id, "0")


async def test_no_secret_is_logged_even_at_debug_level(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = await site.claimed()
    who = site.queue._runs.of(key)
    assert who is not None
    await site.queue.reclaim(key)
    site.fault("queue.reportCompleted", kind="html")
    with pytest.raises(faults.Unavailable):
        await site.queue.resolve(key, Resolution.COMPLETED)
    await site.queue.resolve(key, Resolution.COMPLETED)
    for secret in (site.token[0], who.access_token, "Hawk "):
        assert secret not in caplog.text
    assert who.access_token not in repr(site.queue._runs)
