"""Artifacts: stored where the deployment stores them, again after a crash, and beside what is there already."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.run import RunKey
from bridge.core.verdict import Resolution
from bridge.taskcluster.artifacts import Storage, versioned
from tests.integration.taskcluster.conftest import POOL, WORKER, Site, answering, site_with

IN_A_WEEK = datetime.now(UTC) + timedelta(days=7)
LOG = Artifact("public/logs/live.log", "text/plain; charset=utf-8", IN_A_WEEK, body="it ended ☃\n".encode())
PAGE = Artifact("public/buildbot/build", "text/html", IN_A_WEEK, reference="https://buildbot.example.com/#/builders/1")


@pytest.fixture(params=list(Storage))
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with site_with(storage=request.param) as site:
        yield site


async def test_a_body_is_stored_before_anybody_is_told(either: Site) -> None:
    key = await either.claimed()
    await either.queue.attach(key, LOG)
    assert await either.content(key, LOG.name) == LOG.body
    (found,) = (await either.artifacts(key)).values()
    assert found["contentType"] == LOG.content_type
    assert abs(datetime.fromisoformat(found["expires"]) - IN_A_WEEK) < timedelta(seconds=1)
    await either.queue.resolve(key, Resolution.COMPLETED)


async def test_the_same_again_is_success_and_the_last_body_counts(either: Site) -> None:
    key = await either.claimed()
    for body in (b"first", b"", b"x" * 100_000, b"last"):
        if either.queue._uploads.storage is Storage.OBJECT and body:
            continue  # an object is written once
        await either.queue.attach(key, replace(LOG, body=body))
    assert set(await either.artifacts(key)) == {LOG.name}


async def test_a_reference_is_linked_and_may_move(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, PAGE)
    await site.queue.attach(key, replace(PAGE, reference="https://buildbot.example.com/#/builders/2"))
    found = await site.artifacts(key)
    assert found[PAGE.name]["storageType"] == "reference"


@pytest.mark.parametrize("fault", [{"status": 500}, {"kind": "html", "status": 403}, {"kind": "drop"}])
async def test_a_failed_upload_is_tried_again_from_the_beginning(site: Site, fault: dict[str, Any]) -> None:
    key = await site.claimed()
    site.fault("s3.put", **fault, count=2)
    await site.queue.attach(key, LOG)
    assert await site.content(key, LOG.name) == LOG.body
    assert site.calls("queue.createArtifact") >= 2  # a PUT on a kept-alive connection that breaks is sent again by aiohttp


async def test_a_store_that_is_down_is_given_up_and_the_address_is_not_shown(site: Site) -> None:
    key = await site.claimed()
    site.double.site.store.down = True
    with pytest.raises(faults.Unavailable) as caught:
        await site.queue.attach(key, LOG)
    assert str(caught.value) == f"storing {LOG.name}: HTTP 503"
    site.double.site.store.down = False
    await site.queue.attach(key, LOG)
    assert await site.content(key, LOG.name) == LOG.body


@pytest.mark.parametrize("fault", [{"status": 500, "effect": True}, {"status": 500}, {"kind": "drop", "effect": True}])
async def test_a_createartifact_with_unknown_outcome_is_not_repeated_here(site: Site, fault: dict[str, Any]) -> None:
    key = await site.claimed()
    site.fault("queue.createArtifact", **fault)
    with pytest.raises(faults.Unavailable):
        await site.queue.attach(key, LOG)
    assert site.calls("queue.createArtifact") == 1
    await site.queue.attach(key, LOG)
    assert await site.content(key, LOG.name) == LOG.body


async def test_one_that_differs_only_in_its_expiry_is_equal_enough(site: Site) -> None:
    key = await site.claimed()
    later = (IN_A_WEEK + timedelta(days=1)).isoformat()
    made = {"storageType": "s3", "contentType": LOG.content_type, "expires": later}
    await site.admin.createArtifact(key.task_id, "0", LOG.name, made)
    await site.queue.attach(key, LOG)
    assert await site.content(key, LOG.name) == LOG.body
    assert set(await site.artifacts(key)) == {LOG.name}


async def test_an_object_that_somebody_began_otherwise_and_never_finished_is_left_alone() -> None:
    async with site_with(storage=Storage.OBJECT) as site:
        key = await site.claimed()
        later = (IN_A_WEEK + timedelta(days=1)).isoformat()
        made = {"storageType": "object", "contentType": LOG.content_type, "expires": later}
        await site.admin.createArtifact(key.task_id, "0", LOG.name, made)
        await site.queue.attach(key, LOG)
        assert await site.content(key, "public/logs/live-2.log") == LOG.body


async def test_another_one_under_the_name_stays_and_ours_gets_a_name_beside_it(site: Site) -> None:
    key = await site.claimed()
    for number in (1, 2):
        made = {"storageType": "s3", "contentType": "application/x-other", "expires": IN_A_WEEK.isoformat()}
        await site.admin.createArtifact(key.task_id, "0", versioned(LOG.name, number), made)
    await site.queue.attach(key, LOG)
    assert set(await site.artifacts(key)) == {LOG.name, "public/logs/live-2.log", "public/logs/live-3.log"}
    assert await site.content(key, "public/logs/live-3.log") == LOG.body
    other = replace(LOG, content_type="text/x-third")
    with pytest.raises(faults.Unfit):  # and no further
        await site.queue.attach(key, other)


async def test_who_may_not_look_takes_the_next_name(site: Site) -> None:
    site.double.site.at.auth.roles.put("anonymous", ["queue:get-artifact:public/*"])
    key = await site.claimed()
    made = {"storageType": "s3", "contentType": "application/x-other", "expires": IN_A_WEEK.isoformat()}
    await site.admin.createArtifact(key.task_id, "0", LOG.name, made)
    await site.queue.attach(key, LOG)
    assert await site.content(key, "public/logs/live-2.log") == LOG.body


async def test_a_run_that_is_over_takes_none(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, PAGE)
    await site.queue.resolve(key, Resolution.COMPLETED)
    with pytest.raises(faults.Conflicting, match="does not take"):
        await site.queue.attach(key, LOG)


async def test_an_exception_takes_artifacts_afterwards(site: Site) -> None:
    key = await site.claimed()
    await site.queue.resolve(key, None)
    await site.queue.attach(key, LOG)
    assert await site.content(key, LOG.name) == LOG.body


async def test_one_that_would_outlive_its_task_is_unfit(site: Site) -> None:
    key = await site.claimed(expires=(datetime.now(UTC) + timedelta(days=2)).isoformat())
    with pytest.raises(faults.Unfit):
        await site.queue.attach(key, LOG)


async def test_without_credentials_of_the_run_nothing_is_created(site: Site) -> None:
    key = await site.create()
    with pytest.raises(faults.Unavailable):
        await site.queue.attach(key, LOG)
    assert site.calls("queue.createArtifact") == 0


@pytest.mark.parametrize("size", [10, 50_000])
async def test_an_object_service_that_wants_a_put_gets_one(size: int) -> None:
    """As Taskcluster's object service in front of Google's or Amazon's stores answers."""
    body, seen = b"x" * size, list[tuple[str, Any]]()

    async def answer(request: web.Request) -> web.Response:
        what = request.path.rsplit("/api/", 1)[-1]
        if request.method == "PUT" and what.startswith("/store"):
            seen.append(("put", (await request.read(), request.headers["x-goog-meta"], request.headers["Content-Length"])))
            return web.Response()
        said = json.loads(await request.read() or b"{}")
        seen.append((what.split("/")[2] if "upload" in what else what.split("/")[-1], said))
        return web.json_response(_object_answers(request, what))

    async with answering(answer, storage=Storage.OBJECT) as queue:
        key = RunKey(*_key())
        await queue.claim(key, WORKER, POOL)
        await queue.attach(key, replace(LOG, body=body))
    assert [what for what, _ in seen] == ["claim", "live.log", "upload", "put", "finish-upload", "live.log"]
    by_name = dict(seen)
    assert by_name["put"] == (body, "signed", str(size))
    assert by_name["live.log"] == {"uploadId": "U" * 22}
    assert by_name["finish-upload"]["hashes"]["sha256"] == hashlib.sha256(body).hexdigest()
    proposed = by_name["upload"]["proposedUploadMethods"]
    assert proposed["putUrl"] == {"contentType": LOG.content_type, "contentLength": size}
    assert ("dataInline" in proposed) is (size < 8192)
    if "dataInline" in proposed:
        assert base64.b64decode(proposed["dataInline"]["objectData"]) == body


async def test_an_object_service_that_takes_nothing_is_unfit() -> None:
    async def answer(request: web.Request) -> web.Response:
        what = request.path.rsplit("/api/", 1)[-1]
        return web.json_response({"uploadMethod": {}} if "/upload/" in what else _object_answers(request, what))

    async with answering(answer, storage=Storage.OBJECT) as queue:
        key = RunKey(*_key())
        await queue.claim(key, WORKER, POOL)
        with pytest.raises(faults.Unfit, match="neither"):
            await queue.attach(key, LOG)


def _key() -> tuple[Any, Any]:
    return "fN1SbArXTPSVFUUvaOlinQ", 0


def _object_answers(request: web.Request, what: str) -> dict[str, Any]:
    certificate = json.dumps({"expiry": 4_000_000_000_000})
    credentials = {"clientId": "c", "accessToken": "t", "certificate": certificate}
    if what.endswith("/claim"):
        task_id, run_id = _key()
        run = {"status": {"taskId": task_id}, "runId": run_id}
        return {**run, "takenUntil": "2026-03-01T12:20:00.000Z", "credentials": credentials}
    if "/upload/" in what:
        url = f"http://{request.host}/store/1"
        return {"uploadMethod": {"putUrl": {"url": url, "headers": {"x-goog-meta": "signed"}}}}
    common = {"name": "t/x", "projectId": "none", "uploadId": "U" * 22}
    return {**common, "expires": "2026-03-08T12:00:00.000Z", "credentials": credentials}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("public/logs/live.log", "public/logs/live-2.log"), ("a", "a-2"), ("public/a.tar.gz", "public/a.tar-2.gz")],
)
def test_names_beside(name: str, expected: str) -> None:
    assert versioned(name, 1) == name
    assert versioned(name, 2) == expected
