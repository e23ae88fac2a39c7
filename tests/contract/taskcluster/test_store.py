"""The artifact store as S3 and those who read from it meet it: headers that stay, ranges, uploads that break off."""

import asyncio
import gzip
import io
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import taskcluster
import taskcluster.aio
from yarl import URL

from tests.contract.taskcluster.definitions import definition
from tests.doubles.taskcluster.server import Server
from tests.doubles.taskcluster.transfer import IN_MEMORY

Make = Callable[..., Any]
WORKER = {"workerGroup": "buildbot", "workerId": "bm01"}
TEXT = {"Content-Type": "text/plain"}
LARGE = bytes(range(256)) * (3 * IN_MEMORY // 256)


@pytest.fixture
async def place(client: Make) -> tuple[str, str]:
    """Where to PUT an artifact, and where readers find it."""
    slug = taskcluster.slugId()
    await client("root").createTask(slug, definition())
    await client("bridge").claimTask(slug, "0", WORKER)
    artifact = {"storageType": "s3", "contentType": "text/plain", "expires": definition()["deadline"]}
    upload = await client("root").createArtifact(slug, "0", "public/x", artifact)
    return upload["putUrl"], (await client("root").artifact(slug, "0", "public/x"))["url"]


async def test_headers_of_the_upload_come_back(place: tuple[str, str], http: aiohttp.ClientSession) -> None:
    put, get = place
    body = gzip.compress(b"a line\n" * 100)
    async with http.put(put, data=body, headers=TEXT | {"Content-Encoding": "gzip"}) as answer:
        assert answer.status == 200
    async with http.get(get, headers={"Accept-Encoding": "identity"}) as answer:
        assert (answer.headers["Content-Type"], answer.headers["Content-Encoding"]) == ("text/plain", "gzip")
        assert answer.content_length == len(body)
        assert await answer.read() == b"a line\n" * 100


@pytest.mark.parametrize("body", [b"0123456789", LARGE])
async def test_a_part_can_be_read(place: tuple[str, str], http: aiohttp.ClientSession, body: bytes) -> None:
    put, get = place
    async with http.put(put, data=io.BytesIO(body), headers=TEXT) as answer:
        assert answer.status == 200
    for asked, start, end in (("0-0", 0, 0), ("2-5", 2, 5), ("7-", 7, len(body) - 1), ("3-99999999", 3, len(body) - 1)):
        async with http.get(get, headers={"Range": f"bytes={asked}"}) as answer:
            assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes {start}-{end}/{len(body)}")
            assert await answer.read() == body[start : end + 1]
    async with http.get(get, headers={"Range": f"bytes={len(body)}-"}) as answer:
        assert answer.status == 416
    async with http.get(get) as answer:
        assert (answer.status, await answer.read()) == (200, body)


async def test_large_ones_are_on_disk_once(double: Server, place: tuple[str, str], http: aiohttp.ClientSession) -> None:
    put, get = place
    for body in (LARGE, LARGE[::-1], b"small"):
        async with http.put(put, data=io.BytesIO(body), headers=TEXT) as answer:
            assert answer.status == 200
        async with http.get(get) as answer:
            assert await answer.read() == body
        assert len(list(double.folder.iterdir())) == (len(body) > IN_MEMORY)


@pytest.mark.parametrize("announced", [10, len(LARGE)])
async def test_fewer_bytes_than_announced_are_no_upload(
    double: Server, place: tuple[str, str], http: aiohttp.ClientSession, announced: int
) -> None:
    put, get = URL(place[0]), place[1]
    _, writer = await asyncio.open_connection(put.host, put.port)
    head = f"PUT {put.raw_path_qs} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {announced}\r\n\r\n"
    writer.write(head.encode() + b"x" * (announced - 1))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(10):
        while not double.journal.calls["s3.put"]:
            await asyncio.sleep(0.01)
    async with http.get(get) as answer:
        assert answer.status == 404
    assert list(double.folder.iterdir()) == []


async def test_an_upload_can_break_off(double: Server, place: tuple[str, str], http: aiohttp.ClientSession) -> None:
    put, get = place
    double.faults.add({"api": "s3.put", "kind": "break", "bytes": IN_MEMORY, "count": 2})  # aiohttp sends it again
    with pytest.raises(aiohttp.ClientError):
        async with http.put(put, data=io.BytesIO(LARGE), headers=TEXT):
            pass
    async with http.get(get) as answer:
        assert answer.status == 404


async def test_an_upload_can_stall(double: Server, place: tuple[str, str], http: aiohttp.ClientSession) -> None:
    double.faults.add({"api": "s3.put", "kind": "stall", "bytes": IN_MEMORY, "seconds": 0.5})
    started = time.monotonic()
    async with http.put(place[0], data=io.BytesIO(LARGE), headers=TEXT) as answer:
        assert answer.status == 200
    assert time.monotonic() - started >= 0.5


async def test_the_store_can_be_slow(double: Server, place: tuple[str, str], http: aiohttp.ClientSession) -> None:
    for rate, slow in ((4 * IN_MEMORY, True), (None, False)):
        async with http.post(f"{double.root_url}/control/store", json={"bytesPerSecond": rate}) as answer:
            assert answer.status == 200
        started = time.monotonic()
        async with http.put(place[0], data=io.BytesIO(LARGE), headers=TEXT) as answer:
            assert answer.status == 200
        assert (time.monotonic() - started > 0.7) is slow
    async with http.post(f"{double.root_url}/control/store", json={"speed": 3}) as answer:
        assert answer.status == 400


async def test_an_object_can_be_put(client: Make, http: aiohttp.ClientSession) -> None:
    slug = taskcluster.slugId()
    await client("root").createTask(slug, definition())
    await client("bridge").claimTask(slug, "0", WORKER)
    expires = definition()["deadline"]
    made = {"storageType": "object", "contentType": "text/plain", "expires": expires}
    created = await client("root").createArtifact(slug, "0", "public/x", made)

    async def pieces() -> AsyncIterator[bytes]:
        yield LARGE

    objects = client(created["credentials"], service=taskcluster.aio.Object)
    asked = {part: created[part] for part in ("projectId", "uploadId", "expires")}
    asked |= {"proposedUploadMethods": {"putUrl": {"contentType": "text/plain", "contentLength": len(LARGE)}}}
    method = (await objects.createUpload(created["name"], asked))["uploadMethod"]["putUrl"]
    async with http.put(method["url"], data=pieces(), headers=method["headers"]) as answer:
        assert answer.status == 200
    finish = {part: created[part] for part in ("projectId", "uploadId")}
    await objects.finishUpload(created["name"], finish | {"hashes": {}})
    await client("root").finishArtifact(slug, "0", "public/x", {"uploadId": created["uploadId"]})
    async with http.get((await client("root").artifact(slug, "0", "public/x"))["url"]) as answer:
        assert await answer.read() == LARGE
