"""Artifacts: created in the queue, then stored where the deployment stores them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Final

import tenacity

from bridge.core import faults
from bridge.core.artifact import Absence, Artifact, Source
from bridge.core.run import RunKey
from bridge.taskcluster import bodies, objects
from bridge.taskcluster.bodies import NotStored
from bridge.taskcluster.calls import Calls, parsed
from bridge.taskcluster.messages import ArtifactInfo, ContentAnswer, ObjectArtifact, S3Artifact, moment

OfRun = Callable[[str, str, Mapping[str, object]], Awaitable[Any]]
"""Calls a method for an artifact of one run, with that run's credentials: method, artifact name, body."""
_WORTH_A_LOOK: Final = 1 << 20
"""Bytes. Smaller sources are sent again rather than looked for: a PUT costs no more than the two reads of a look."""
_NAMES: Final = 3
_AT_ONCE: Final = 16  # sources; the session has twice as many connections


class Storage(StrEnum):
    """Where a deployment of Taskcluster keeps artifacts: an S3-like store, or its object service."""

    S3 = "s3"
    OBJECT = "object"


# A signed address may have been what was wrong, so an upload begins with createArtifact again, which equal values allow.
# A createArtifact that failed is not repeated: its fault says what to do.
_storing = tenacity.retry(
    retry=tenacity.retry_if_exception_type(NotStored),
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_random_exponential(multiplier=0.3, max=3.0),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Attaches artifacts to runs. `silence`: for how many seconds nothing of an upload may move.

    `gate` lets so few sources pass at once that connections of the session stay free for the calls that keep runs alive.
    """

    calls: Calls
    storage: Storage
    silence: float = 60.0
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @property
    def encodes(self) -> bool:
        """Whether a body may be stored gzip-encoded: the object service signs the headers, and has none for that."""
        return self.storage is Storage.S3

    async def attach(self, key: RunKey, artifact: Artifact, of_run: OfRun) -> None:
        """Create and store one artifact. Equal to one that exists it is stored again; otherwise it gets a name beside it.

        A source of a megabyte or more is not sent again where it lies already.
        Raises `Conflicting` when the run seems to take no artifacts any more, `Unfit` when all names are taken, `NotStored`
        when the store does not take the body or the source gives other bytes than announced, and the source's own faults.
        """
        taken = 0
        for number in range(1, _NAMES + 1):
            named = replace(artifact, name=versioned(artifact.name, number))
            try:
                return await self._stored(key, named, of_run)
            except faults.Conflicting:
                info = await self._existing(key, named.name)
            if info is not None and self._alike(info, named):
                return await self._again(key, replace(named, expires=info.expires), of_run)
            taken += info is not None
        if taken == _NAMES:
            raise faults.Unfit(f"createArtifact: {artifact.name} and the names beside it are taken by other artifacts")
        raise faults.Conflicting(f"createArtifact: the run does not take {artifact.name}")

    async def _again(self, key: RunKey, artifact: Artifact, of_run: OfRun) -> None:
        if artifact.absence is None:  # a reason is given once, and the first one stays
            await self._stored(key, artifact, of_run)

    @_storing
    async def _stored(self, key: RunKey, artifact: Artifact, of_run: OfRun) -> None:
        # The gate comes first, for the address of a PUT is signed for some minutes only.
        async with nullcontext() if artifact.source is None else self.gate:
            await self._created(key, artifact, of_run)

    async def _created(self, key: RunKey, artifact: Artifact, of_run: OfRun) -> None:
        if artifact.source is not None and await self._lies_there(key, artifact, artifact.source):
            return
        answer = await of_run("createArtifact", artifact.name, self._asked(artifact))
        if self._kind(artifact) == Storage.S3:
            await self._put(artifact, parsed(S3Artifact, answer, "createArtifact").putUrl)
        elif self._kind(artifact) == Storage.OBJECT:
            created = parsed(ObjectArtifact, answer, "createArtifact")
            await objects.store(self.calls, self._sender, artifact, created)
            await of_run("finishArtifact", artifact.name, {"uploadId": created.uploadId})

    def _asked(self, artifact: Artifact) -> dict[str, object]:
        """The body of createArtifact."""
        common = {"storageType": self._kind(artifact), "expires": moment(artifact.expires)}
        match artifact:
            case Artifact(absence=Absence(reason, message)):
                return {**common, "reason": reason, "message": message[:4096]}  # characters, the queue's limit
            case Artifact(reference=str(url)):
                return {**common, "contentType": artifact.content_type, "url": url}
            case _:
                return {**common, "contentType": artifact.content_type}

    def _kind(self, artifact: Artifact) -> str:
        """Taskcluster's word for where the artifact's content is."""
        kind = "reference" if artifact.reference is not None else self.storage.value
        return kind if artifact.absence is None else "error"

    async def _existing(self, key: RunKey, name: str) -> ArtifactInfo | None:
        """The artifact of that name; None if there is none, it is not finished, or we may not look."""
        try:
            answer = await self.calls.anonymous("artifactInfo", key.task_id, str(key.run_id), name)
        except (faults.Missing, faults.NotAllowed):
            return None
        return parsed(ArtifactInfo, answer, "artifactInfo")

    def _alike(self, info: ArtifactInfo, artifact: Artifact) -> bool:
        """Whether an artifact differs from ours in nothing but how long it lives."""
        kind = self._kind(artifact)
        return info.storageType == kind and (kind == "error" or info.contentType == artifact.content_type)

    async def _lies_there(self, key: RunKey, artifact: Artifact, source: Source) -> bool:
        """Whether an earlier attempt has stored the source; False where that cannot be seen.

        An object exists for readers only when it was finished. Of S3's the length tells: a PUT is all or nothing, bodies
        that were not what was announced were never whole, and nobody else writes under the run's names.
        """
        if source.size < _WORTH_A_LOOK:
            return False
        try:
            if self.storage is Storage.OBJECT:
                info = await self._existing(key, artifact.name)
                return info is not None and self._alike(info, artifact)
            answer = await self.calls.anonymous("artifact", key.task_id, str(key.run_id), artifact.name)
            found = parsed(ContentAnswer, answer, "artifact")
        except faults.Fault:
            return False
        if found.storageType != self.storage or found.url is None:
            return False
        return await self._sender.holds(found.url, artifact, source.size, source.encoding)

    @property
    def _sender(self) -> bodies.Sender:
        return bodies.Sender(self.calls.session, self.silence)

    async def _put(self, artifact: Artifact, url: str) -> None:
        headers = {"Content-Type": artifact.content_type}
        if artifact.source is None:
            await self._sender.body(artifact.name, artifact.body or b"", url, headers)
            return
        headers |= {"Content-Encoding": artifact.source.encoding} if artifact.source.encoding else {}
        await self._sender.source(artifact.name, artifact.source, url, headers)


def versioned(name: str, number: int) -> str:
    """The name to try as the `number`th, from 1: `public/logs/live.log`, then `public/logs/live-2.log`."""
    path = PurePosixPath(name)
    return name if number == 1 else str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
