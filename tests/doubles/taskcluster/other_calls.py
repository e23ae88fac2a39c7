"""What the double has of the auth and object services."""

import base64
import binascii
from typing import Any

from tests.doubles.taskcluster import errors
from tests.doubles.taskcluster.api import Call
from tests.doubles.taskcluster.artifacts import SIGNED_PUT
from tests.doubles.taskcluster.instants import to_milliseconds, zulu
from tests.doubles.taskcluster.store import Blob

Body = dict[str, Any]


def expand_scopes(call: Call) -> Body:
    return {"scopes": list(call.at.auth.roles.expand(call.body["scopes"]))}


def current_scopes(call: Call) -> Body:
    return {"scopes": list(call.authenticate().scopes)}


def role(call: Call) -> Body:
    name = call.params["roleId"]
    scopes = call.at.auth.roles.scopes.get(name)
    if scopes is None:
        raise errors.not_found(f"Role not found: {name}")
    expanded = list(call.at.auth.roles.expand([f"assume:{name}"]))
    return {"roleId": name, "description": "", "scopes": sorted(scopes), "expandedScopes": expanded}


def create_upload(call: Call) -> Body:
    """Accept an upload of the object service: the data inline where they are offered, else by PUT."""
    name = call.params["name"]
    call.authorize(f"object:upload:{call.body['projectId']}:{name}")
    inline = call.body["proposedUploadMethods"].get("dataInline")
    answer = {part: call.body[part] for part in ("projectId", "uploadId", "expires")}
    if inline is None:
        return answer | {"uploadMethod": _put_url(call, name)}
    try:
        content = base64.b64decode(inline["objectData"], validate=True)
    except binascii.Error as error:
        raise errors.input_error("objectData is not base64") from error
    call.at.store.objects[name] = Blob(content, inline["contentType"])
    return answer | {"uploadMethod": {"dataInline": True}}


def _put_url(call: Call, name: str) -> Body:
    asked = call.body["proposedUploadMethods"].get("putUrl")
    if asked is None:
        return {}
    until = to_milliseconds(call.now) + SIGNED_PUT
    url = call.at.store.signed_object_put(name, asked["contentType"], call.now, until)
    headers = {"Content-Type": asked["contentType"], "Content-Length": str(asked["contentLength"])}
    return {"putUrl": {"url": url, "headers": headers, "expires": zulu(until)}}


def finish_upload(call: Call) -> Body:
    call.authorize(f"object:upload:{call.body['projectId']}:{call.params['name']}")
    if call.params["name"] not in call.at.store.objects:
        raise errors.not_found(f"Object {call.params['name']!r} not found")
    return {}
