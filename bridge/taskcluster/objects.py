"""Bodies through Taskcluster's object service: it says how it wants them, and is told their hashes afterwards."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.taskcluster.bodies import Sender
from bridge.taskcluster.calls import Calls, parsed
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.messages import ObjectArtifact, UploadAnswer, moment

_INLINE: Final = 8192
"""Bytes; what is smaller is sent at once with the proposal. This and the hashes are as in Taskcluster's own client."""
_HASHES: Final = ("sha256", "sha512")


async def store(calls: Calls, sender: Sender, artifact: Artifact, created: ObjectArtifact) -> None:
    """Store the body of an artifact that was created. Raises as `Sender` does, and the faults of the calls."""
    if artifact.source is not None and artifact.source.encoding is not None:
        raise ValueError(f"{artifact.name}: the object service keeps no encoding")
    if artifact.source is not None and artifact.source.size < _INLINE:
        artifact = replace(artifact, source=None, body=await sender.whole(artifact.name, artifact.source))
    given = created.credentials
    who = Credentials(given.clientId, given.accessToken, given.certificate)
    upload = {"projectId": created.projectId, "uploadId": created.uploadId}
    proposal = {**upload, "expires": moment(created.expires), "proposedUploadMethods": _methods(artifact)}
    answer = await calls.objects(who, "createUpload", created.name, proposal)
    hashes = await _sent(sender, artifact, parsed(UploadAnswer, answer, "createUpload"))
    await calls.objects(who, "finishUpload", created.name, {**upload, "hashes": hashes})


def _methods(artifact: Artifact) -> dict[str, object]:
    """How the body could be sent."""
    body, kind = artifact.body or b"", artifact.content_type
    size = len(body) if artifact.source is None else artifact.source.size
    methods: dict[str, object] = {"putUrl": {"contentType": kind, "contentLength": size}}
    if size < _INLINE:
        methods["dataInline"] = {"contentType": kind, "objectData": b64encode(body).decode()}
    return methods


async def _sent(sender: Sender, artifact: Artifact, answer: UploadAnswer) -> Mapping[str, str]:
    """Send the body as it is wanted; its hashes by algorithm."""
    put, source, body = answer.uploadMethod.putUrl, artifact.source, artifact.body or b""
    if put is not None and source is not None:
        return await sender.source(artifact.name, source, put.url, put.headers, _HASHES)
    if put is not None:
        await sender.body(artifact.name, body, put.url, put.headers)
    elif not answer.uploadMethod.dataInline or source is not None:
        raise faults.Unfit(f"storing {artifact.name}: the object service takes neither inline data nor a PUT")
    return {name: hashlib.new(name, body).hexdigest() for name in _HASHES}
