"""Artifacts: created in the queue, then stored where the deployment stores them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Final

import aiohttp
import tenacity

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.run import RunKey
from bridge.taskcluster.calls import Calls, parsed
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.messages import ArtifactInfo, ObjectArtifact, S3Artifact, UploadAnswer, moment

OfRun = Callable[[str, str, Mapping[str, object]], Awaitable[Any]]
"""Calls a method for an artifact of one run, with that run's credentials: method, artifact name, body."""
_INLINE: Final = 8192  # bytes; what the object service is sent at once, as Taskcluster's own client does
_UPLOAD: Final = aiohttp.ClientTimeout(total=60.0, connect=10.0)
_NAMES: Final = 3


class Storage(StrEnum):
    """Where a deployment of Taskcluster keeps artifacts: an S3-like store, or its object service."""

    S3 = "s3"
    OBJECT = "object"


class NotStored(faults.Unavailable):
    """The artifact exists in the queue, and its body could not be put into the store."""


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
    """Attaches artifacts to runs."""

    calls: Calls
    storage: Storage

    async def attach(self, key: RunKey, artifact: Artifact, of_run: OfRun) -> None:
        """Create and store one artifact. Equal to one that exists it is stored again; otherwise it gets a name beside it.

        Raises `Conflicting` when the run seems to take no artifacts any more, `Unfit` when all names are taken.
        """
        taken = 0
        for number in range(1, _NAMES + 1):
            named = replace(artifact, name=versioned(artifact.name, number))
            try:
                return await self._stored(named, of_run)
            except faults.Conflicting:
                info = await self._existing(key, named.name)
            if info is not None and self._alike(info, named):
                return await self._stored(replace(named, expires=info.expires), of_run)
            taken += info is not None
        if taken == _NAMES:
            raise faults.Unfit(f"createArtifact: {artifact.name} and the names beside it are taken by other artifacts")
        raise faults.Conflicting(f"createArtifact: the run does not take {artifact.name}")

    @_storing
    async def _stored(self, artifact: Artifact, of_run: OfRun) -> None:
        common = {"expires": moment(artifact.expires), "contentType": artifact.content_type}
        if artifact.reference is not None:
            await of_run("createArtifact", artifact.name, {"storageType": "reference", "url": artifact.reference, **common})
            return
        answer = await of_run("createArtifact", artifact.name, {"storageType": self.storage.value, **common})
        if self.storage is Storage.S3:
            url = parsed(S3Artifact, answer, "createArtifact").putUrl
            await self._put(artifact, url, {"Content-Type": artifact.content_type})
        else:
            created = parsed(ObjectArtifact, answer, "createArtifact")
            await self._object(artifact, created)
            await of_run("finishArtifact", artifact.name, {"uploadId": created.uploadId})

    async def _existing(self, key: RunKey, name: str) -> ArtifactInfo | None:
        """The artifact of that name; None if there is none, it is not finished, or we may not look."""
        try:
            answer = await self.calls.anonymous("artifactInfo", key.task_id, str(key.run_id), name)
        except (faults.Missing, faults.NotAllowed):
            return None
        return parsed(ArtifactInfo, answer, "artifactInfo")

    def _alike(self, info: ArtifactInfo, artifact: Artifact) -> bool:
        """Whether an artifact differs from ours in nothing but how long it lives."""
        kind = "reference" if artifact.reference is not None else self.storage.value
        return (info.storageType, info.contentType) == (kind, artifact.content_type)

    async def _put(self, artifact: Artifact, url: str, headers: Mapping[str, str]) -> None:
        """PUT the body to a signed address, with no credentials; the address is a secret and stays out of all messages."""
        body = artifact.body or b""
        length = {"Content-Length": str(len(body))}
        request = self.calls.session.put(
            url, data=body, headers={**headers, **length}, allow_redirects=False, timeout=_UPLOAD
        )
        try:
            async with request as answer:
                await answer.read()
                if answer.status != 200:
                    raise NotStored(f"storing {artifact.name}: HTTP {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotStored(f"storing {artifact.name}: {type(error).__name__}") from None

    async def _object(self, artifact: Artifact, created: ObjectArtifact) -> None:
        """Store the body through the object service, inline or by PUT as it chooses."""
        body = artifact.body or b""
        given = created.credentials
        who = Credentials(given.clientId, given.accessToken, given.certificate)
        upload = {"projectId": created.projectId, "uploadId": created.uploadId}
        methods: dict[str, object] = {"putUrl": {"contentType": artifact.content_type, "contentLength": len(body)}}
        if len(body) < _INLINE:
            methods["dataInline"] = {"contentType": artifact.content_type, "objectData": b64encode(body).decode()}
        proposal = {**upload, "expires": moment(created.expires), "proposedUploadMethods": methods}
        answer = await self.calls.objects(who, "createUpload", created.name, proposal)
        method = parsed(UploadAnswer, answer, "createUpload").uploadMethod
        if method.putUrl is not None:
            await self._put(artifact, method.putUrl.url, method.putUrl.headers)
        elif not method.dataInline:
            raise faults.Unfit(f"storing {artifact.name}: the object service takes neither inline data nor a PUT")
        hashes = {"sha256": hashlib.sha256(body).hexdigest(), "sha512": hashlib.sha512(body).hexdigest()}
        await self.calls.objects(who, "finishUpload", created.name, {**upload, "hashes": hashes})


def versioned(name: str, number: int) -> str:
    """The name to try as the `number`th, from 1: `public/logs/live.log`, then `public/logs/live-2.log`."""
    path = PurePosixPath(name)
    return name if number == 1 else str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
