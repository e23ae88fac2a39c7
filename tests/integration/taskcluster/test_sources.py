"""Sources: bodies that are never whole in memory, on their way from wherever they are into the store."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.core import faults
from bridge.core.artifact import Absence, Artifact, Source
from bridge.core.run import RunKey
from bridge.core.verdict import Resolution
from bridge.taskcluster.artifacts import Storage
from bridge.taskcluster.bodies import NotStored
from tests.integration.taskcluster.conftest import Site, site_with

IN_A_WEEK = datetime.now(UTC) + timedelta(days=7)
NAME = "public/build/firefox.tar"
MEGABYTE = 1 << 20
LARGE = bytes(range(256)) * (3 * MEGABYTE // 256)


@dataclass
class Spool:
    """Bytes that can be opened again and again; a `fault` comes in place of the bytes from `at` on."""

    body: bytes
    chunk: int = 64 * 1024
    fault: Exception | None = None
    at: int = 0
    waits: asyncio.Event | None = None
    opened: int = 0
    given: int = 0
    closed: int = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        self.opened += 1
        try:
            yield self._chunks()
        finally:
            self.closed += 1

    async def _chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), self.chunk):
            if self.fault is not None and start >= self.at:
                raise self.fault
            if self.waits is not None and start >= self.at:
                await self.waits.wait()
            self.given += len(self.body[start : start + self.chunk])
            yield self.body[start : start + self.chunk]

    def artifact(self, name: str = NAME, *, encoding: str | None = None, **announced: Any) -> Artifact:
        known: dict[str, Any] = {"size": len(self.body), "sha256": hashlib.sha256(self.body).hexdigest(), **announced}
        return Artifact(name, "application/x-tar", IN_A_WEEK, source=Source(open=self.open, encoding=encoding, **known))


@pytest.fixture(params=list(Storage))
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with site_with(storage=request.param) as site:
        yield site


async def nothing_stored(site: Site, key: RunKey, name: str = NAME) -> bool:
    """Whether readers find no body: S3's artifacts are listed before they are there."""
    url = f"{site.double.root_url}/api/queue/v1/task/{key.task_id}/runs/{key.run_id}/artifacts/{name}"
    async with site.http.get(url) as answer:
        return answer.status == 404


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 64 * 1024, len(LARGE)])
@pytest.mark.parametrize("chunk", [64 * 1024, 3000])
async def test_a_source_is_stored_as_it_is(either: Site, size: int, chunk: int) -> None:
    key = await either.claimed()
    spool = Spool(LARGE[:size], chunk)
    await either.queue.attach(key, spool.artifact())
    assert await either.content(key, NAME) == spool.body
    assert (spool.opened, spool.closed) == (1, 1)
    await either.queue.resolve(key, Resolution.COMPLETED)


async def test_readers_decode_what_was_stored_encoded(site: Site) -> None:
    key = await site.claimed()
    assert site.queue.encodes
    text = b"a line of a log\n" * 1000
    await site.queue.attach(key, replace(Spool(gzip.compress(text)).artifact(encoding="gzip"), content_type="text/plain"))
    url = f"{site.double.root_url}/api/queue/v1/task/{key.task_id}/runs/0/artifacts/{NAME}"
    async with site.http.get(url) as answer:
        assert (answer.headers["Content-Type"], answer.headers["Content-Encoding"]) == ("text/plain", "gzip")
        assert await answer.read() == text


async def test_the_object_service_keeps_no_encoding() -> None:
    async with site_with(storage=Storage.OBJECT) as site:
        key = await site.claimed()
        assert not site.queue.encodes
        with pytest.raises(ValueError, match="no encoding"):
            await site.queue.attach(key, Spool(LARGE).artifact(encoding="gzip"))


ANNOUNCED_WRONGLY = [
    ({"sha256": "0" * 64}, "another SHA-256"),
    ({"size": len(LARGE) + 1}, "bytes came"),
    ({"size": len(LARGE) - 1}, "more than"),
]


@pytest.mark.parametrize(("announced", "said"), ANNOUNCED_WRONGLY)
async def test_a_body_that_is_not_what_was_announced_is_never_stored(
    either: Site, announced: dict[str, Any], said: str
) -> None:
    key = await either.claimed()
    spool = Spool(LARGE)
    with pytest.raises(NotStored, match=said):
        await either.queue.attach(key, spool.artifact(**announced))
    assert await nothing_stored(either, key)
    assert spool.opened == spool.closed > 1  # it may have been the way from the source that spoiled it


@pytest.mark.parametrize(
    ("announced", "said"), [({"sha256": "0" * 64}, "another"), ({"size": 11}, "came"), ({"size": 9}, "more")]
)
async def test_nor_is_a_small_one(either: Site, announced: dict[str, Any], said: str) -> None:
    key = await either.claimed()
    with pytest.raises(NotStored, match=said):
        await either.queue.attach(key, Spool(b"0123456789").artifact(**announced))
    assert await nothing_stored(either, key)


async def test_a_wrong_body_leaves_the_right_one_that_is_there(site: Site) -> None:
    key = await site.claimed()
    right, wrong = Spool(LARGE[:1000]), Spool(b"x" * 1000)
    await site.queue.attach(key, right.artifact())
    with pytest.raises(NotStored):
        await site.queue.attach(key, wrong.artifact(sha256="0" * 64))
    assert await site.content(key, NAME) == right.body


@pytest.mark.parametrize("fault", [faults.Missing("it is not kept any more"), faults.Unavailable("the master is away")])
@pytest.mark.parametrize("at", [0, 2 * MEGABYTE])
async def test_faults_of_the_source_pass_through(either: Site, fault: faults.Fault, at: int) -> None:
    key = await either.claimed()
    spool = Spool(LARGE, fault=fault, at=at)
    with pytest.raises(type(fault)) as caught:
        await either.queue.attach(key, spool.artifact())
    assert caught.value is fault
    assert (spool.opened, spool.closed) == (1, 1)
    assert await nothing_stored(either, key)


async def test_a_fault_at_opening_passes_through(either: Site) -> None:
    @contextlib.asynccontextmanager
    async def closed() -> AsyncIterator[AsyncIterator[bytes]]:
        raise faults.Missing("it is not kept any more")
        yield  # type: ignore[unreachable]

    key = await either.claimed()
    given = Artifact(NAME, "application/x-tar", IN_A_WEEK, source=Source(len(LARGE), "0" * 64, closed))
    with pytest.raises(faults.Missing):
        await either.queue.attach(key, given)
    assert await nothing_stored(either, key)


async def test_a_store_that_breaks_off_gets_it_again(site: Site) -> None:
    key = await site.claimed()
    spool = Spool(LARGE)
    site.fault("s3.put", kind="break", bytes=2 * MEGABYTE, count=2)
    await site.queue.attach(key, spool.artifact())
    assert spool.opened == spool.closed == 3
    assert await site.content(key, NAME) == LARGE


async def test_a_store_that_is_down_is_given_up_before_all_is_sent(site: Site) -> None:
    key = await site.claimed()
    site.double.site.store.down = True
    spool = Spool(LARGE * 20)
    with pytest.raises(NotStored, match="HTTP 503"):
        await site.queue.attach(key, spool.artifact())
    assert spool.given < len(spool.body)
    site.double.site.store.down = False
    assert await nothing_stored(site, key)


@pytest.mark.parametrize("who", ["store", "source"])
async def test_silence_ends_an_upload(who: str) -> None:
    async with site_with(silence=0.4) as site:
        key = await site.claimed()
        spool = Spool(LARGE * 10)  # more than the buffers on the way take
        if who == "store":
            site.fault("s3.put", kind="stall", bytes=MEGABYTE, seconds=30, count=3)
        else:
            spool.waits, spool.at = asyncio.Event(), MEGABYTE
        with pytest.raises(NotStored, match="nothing moved"):
            await site.queue.attach(key, spool.artifact())
        assert spool.opened == spool.closed == 3
        assert await nothing_stored(site, key)


async def test_a_small_source_that_is_silent_is_given_up() -> None:
    for storage in Storage:
        async with site_with(storage=storage, silence=0.2) as site:
            key = await site.claimed()
            spool = Spool(b"0123456789", waits=asyncio.Event())
            with pytest.raises(NotStored, match="nothing moved"):
                await site.queue.attach(key, spool.artifact())
            assert spool.opened == spool.closed == 3


async def test_uploads_leave_connections_for_what_keeps_runs_alive(site: Site) -> None:
    key = await site.claimed()
    site.fault("s3.put", kind="stall", bytes=0, seconds=30, count=100)
    spools = [Spool(LARGE * 10) for _ in range(50)]
    uploads = [asyncio.create_task(site.queue.attach(key, s.artifact(f"public/{n}"))) for n, s in enumerate(spools)]
    try:
        async with asyncio.timeout(10):
            while sum(spool.opened for spool in spools) < 16:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(3):
            await site.queue.reclaim(key)
    finally:
        for upload in uploads:
            upload.cancel()
        await asyncio.gather(*uploads, return_exceptions=True)


async def test_slow_is_not_silent() -> None:
    async with site_with(silence=1.0) as site:
        key = await site.claimed()
        site.double.site.store.rate = 12 * MEGABYTE
        spool = Spool(LARGE * 8)
        started = time.monotonic()
        await site.queue.attach(key, spool.artifact())
        assert time.monotonic() - started > 1.8
        assert spool.opened == 1
        assert await site.content(key, NAME) == spool.body


async def test_an_upload_that_is_ended_in_the_middle_leaves_nothing(site: Site) -> None:
    key = await site.claimed()
    site.double.site.store.rate = MEGABYTE
    spool = Spool(LARGE * 5)
    upload = asyncio.create_task(site.queue.attach(key, spool.artifact()))
    async with asyncio.timeout(10):
        while spool.given < 2 * MEGABYTE:
            await asyncio.sleep(0.01)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert spool.closed == 1
    assert await nothing_stored(site, key)
    site.double.site.store.rate = None
    await site.queue.attach(key, spool.artifact())
    assert await site.content(key, NAME) == spool.body
    async with asyncio.timeout(10):
        while len(list(site.double.folder.iterdir())) > 1:  # the part that had come is thrown away
            await asyncio.sleep(0.01)


# --- again, after a restart or an answer that was lost


async def test_what_lies_there_is_not_sent_again(either: Site) -> None:
    key = await either.claimed()
    spool = Spool(LARGE)
    for _ in range(2):
        await either.queue.attach(key, spool.artifact())
    assert spool.opened == 1
    assert await either.content(key, NAME) == LARGE
    assert set(await either.artifacts(key)) == {NAME}


async def test_nor_what_lies_there_encoded(site: Site) -> None:
    key = await site.claimed()
    spool = Spool(LARGE)
    for _ in range(2):
        await site.queue.attach(key, spool.artifact(encoding="gzip"))
    assert spool.opened == 1
    await site.queue.attach(key, spool.artifact())
    assert spool.opened == 2


async def test_nor_what_arrived_although_the_answer_was_lost(site: Site) -> None:
    key = await site.claimed()
    spool = Spool(LARGE)
    site.fault("s3.put", kind="drop", effect=True)
    await site.queue.attach(key, spool.artifact())
    assert spool.opened == 1
    assert await site.content(key, NAME) == LARGE


async def test_what_is_of_another_length_or_type_is_sent(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, Spool(LARGE).artifact())
    longer = Spool(LARGE + b"x")
    await site.queue.attach(key, longer.artifact())
    assert await site.content(key, NAME) == longer.body
    other = replace(Spool(LARGE).artifact(), content_type="text/plain")
    for _ in range(2):
        await site.queue.attach(key, other)
    assert set(await site.artifacts(key)) == {NAME, "public/build/firefox-2.tar"}


async def test_what_was_created_and_never_stored_is_sent(site: Site) -> None:
    key = await site.claimed()
    made = {"storageType": "s3", "contentType": "application/x-tar", "expires": IN_A_WEEK.isoformat()}
    await site.admin.createArtifact(key.task_id, "0", NAME, made)
    await site.queue.attach(key, Spool(LARGE).artifact())
    assert await site.content(key, NAME) == LARGE


async def test_what_we_may_not_look_at_is_sent_again(site: Site) -> None:
    key = await site.claimed()
    spool = Spool(LARGE)
    for _ in range(2):
        await site.queue.attach(key, spool.artifact("private/firefox.tar"))
    assert spool.opened == 2


async def test_a_look_that_fails_is_no_reason_not_to_send(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, Spool(LARGE).artifact())
    for api, fault in (
        ("queue.artifact", {"status": 500}),
        ("s3.get", {"kind": "drop", "count": 2}),
        ("s3.get", {"status": 403}),
    ):
        spool = Spool(LARGE)
        site.fault(api, **fault)  # a GET on a kept-alive connection that breaks is sent again by aiohttp
        await site.queue.attach(key, spool.artifact())
        assert spool.opened == 1
        site.double.faults.clear()


# --- absences


ABSENT = Artifact(NAME, "", IN_A_WEEK, absence=Absence("file-missing-on-worker", "dist/firefox.tar is not there"))


async def test_an_absence_says_why(either: Site) -> None:
    key = await either.claimed()
    await either.queue.attach(key, ABSENT)
    url = f"{either.double.root_url}/api/queue/v1/task/{key.task_id}/runs/0/artifacts/{NAME}"
    async with either.http.get(url) as answer:
        assert answer.status == 424
        assert await answer.json() == {"reason": "file-missing-on-worker", "message": "dist/firefox.tar is not there"}


async def test_the_first_reason_stays(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, ABSENT)
    for again in (ABSENT, replace(ABSENT, absence=Absence("too-large-file-on-worker", "x" * 5000))):
        await site.queue.attach(key, again)
    assert set(await site.artifacts(key)) == {NAME}


async def test_a_message_that_is_too_long_is_cut(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, replace(ABSENT, absence=Absence("too-large-file-on-worker", "☃" * 5000)))
    assert site.double.site.ledger.tasks[key.task_id].artifacts[0, NAME].details["message"] == "☃" * 4096


async def test_an_absence_leaves_a_body_that_is_there(site: Site) -> None:
    key = await site.claimed()
    await site.queue.attach(key, Spool(LARGE).artifact())
    await site.queue.attach(key, ABSENT)
    assert await site.content(key, NAME) == LARGE


# --- many, and large


@dataclass
class Zeros:
    """A source of any size that is nowhere."""

    size: int
    piece: bytes = field(default=bytes(256 * 1024), repr=False)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        for _ in range(self.size // len(self.piece)):
            yield self.piece

    def artifact(self) -> Artifact:
        known = hashlib.sha256()
        for piece in self._pieces():
            known.update(piece)
        return Artifact(NAME, "application/x-tar", IN_A_WEEK, source=Source(self.size, known.hexdigest(), self.open))


def peak() -> int:
    """The most memory that this process has had since the last `forget_peak`, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def test_a_large_source_takes_no_memory(either: Site) -> None:
    key = await either.claimed()
    artifact = Zeros(100 * MEGABYTE).artifact()
    forget_peak()
    before = peak()
    await either.queue.attach(key, artifact)
    assert peak() - before < 16 * MEGABYTE  # the double's share is in it
    (stored,) = either.double.folder.iterdir()
    assert stored.stat().st_size == 100 * MEGABYTE


async def test_a_process_that_is_killed_in_the_middle_is_followed_by_one_that_sends_all_of_it(site: Site) -> None:
    key = await site.create()
    size = 64 * MEGABYTE
    module = ("-m", "tests.integration.taskcluster.uploader", site.double.root_url, site.token[0], key.task_id, str(size))
    site.double.site.store.rate = 24 * MEGABYTE
    first = await asyncio.create_subprocess_exec(sys.executable, *module)
    async with asyncio.timeout(60):
        while not any(part.stat().st_size > 8 * MEGABYTE for part in site.double.folder.iterdir()):
            await asyncio.sleep(0.01)
    first.kill()
    await first.wait()
    assert await nothing_stored(site, key)
    site.double.site.store.rate = None
    for _ in range(2):  # the third finds it there
        again = await asyncio.create_subprocess_exec(sys.executable, *module)
        async with asyncio.timeout(60):
            assert await again.wait() == 0
    assert [entry.done for entry in site.double.journal.entries if entry.api == "s3.put"] == [None, 200]
    (stored,) = site.double.folder.iterdir()
    assert stored.stat().st_size == size


async def test_hundreds_of_small_ones_at_once(site: Site) -> None:
    key = await site.claimed()
    spools = {f"public/build/{number:03}.txt": Spool(b"%d\n" % number) for number in range(300)}
    gate = asyncio.Semaphore(8)

    async def attach(name: str, spool: Spool) -> None:
        async with gate:
            await site.queue.attach(key, spool.artifact(name))

    async with asyncio.TaskGroup() as group:
        for name, spool in spools.items():
            group.create_task(attach(name, spool))
    assert set(await site.artifacts(key)) == set(spools)
    assert await site.content(key, "public/build/299.txt") == b"299\n"
    assert all((spool.opened, spool.closed) == (1, 1) for spool in spools.values())
