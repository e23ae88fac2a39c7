"""What request bodies must look like; texts of refusals are not those of the real queue, their code is."""

from typing import Any

import jsonschema

from tests.doubles.taskcluster.errors import ApiError
from tests.doubles.taskcluster.identifiers import SLUG
from tests.doubles.taskcluster.instants import parse
from tests.doubles.taskcluster.model import PRIORITIES
from tests.doubles.taskcluster.resolution import REASONS

Schema = dict[str, Any]
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or parse(value) is not None


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _text(pattern: str, shortest: int, longest: int) -> Schema:
    return {"type": "string", "pattern": pattern, "minLength": shortest, "maxLength": longest}


def _list(items: Schema, longest: int) -> Schema:
    return {"type": "array", "items": items, "maxItems": longest, "uniqueItems": True}


ANY_OBJECT: Schema = {"type": "object"}
ANY_TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
IDENTIFIER = _text("^([a-zA-Z0-9_-]*)$", 1, 38)
WORKER_TYPE = "[a-z]([-a-z0-9]{0,36}[a-z0-9])?"
QUEUE_ID: Schema = {"type": "string", "pattern": f"^[a-zA-Z0-9_-]{{1,38}}/{WORKER_TYPE}$"}
SLUG_ID: Schema = {"type": "string", "pattern": f"^{SLUG.pattern}$"}
SCOPE: Schema = {"type": "string", "pattern": "^[ -~]*$"}
PRIORITY: Schema = {"enum": list(PRIORITIES)}
WORKER = {"workerGroup": IDENTIFIER, "workerId": IDENTIFIER}

_METADATA = _object(
    {
        "name": {"type": "string", "maxLength": 255},
        "description": {"type": "string", "maxLength": 32768},
        "owner": {"type": "string", "maxLength": 255},
        "source": {"type": "string", "pattern": "^(https?://|ssh://|git@)", "maxLength": 4096},
    }
)
_TASK = _object(
    {"created": TIME, "deadline": TIME, "payload": ANY_OBJECT, "metadata": _METADATA},
    {
        "provisionerId": IDENTIFIER,
        "workerType": _text(f"^{WORKER_TYPE}$", 1, 38),
        "taskQueueId": QUEUE_ID,
        "schedulerId": IDENTIFIER,
        "projectId": _text("^([a-zA-Z0-9._/-]*)$", 1, 500),
        "taskGroupId": SLUG_ID,
        "dependencies": _list(SLUG_ID, 10000),
        "requires": {"enum": ["all-completed", "all-resolved"]},
        "routes": _list(_text("^[ -~]+$", 1, 249), 64),
        "priority": {"enum": [*PRIORITIES, "normal"]},
        "retries": {"type": "integer", "minimum": 0, "maximum": 49},
        "expires": TIME,
        "scopes": _list(SCOPE, 10000),
        "tags": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 4096}},
        "extra": ANY_OBJECT,
    },
)
_CONTENT_TYPE: Schema = {"type": "string", "maxLength": 255}
_FAULTS = (
    "file-missing-on-worker",
    "invalid-resource-on-worker",
    "too-large-file-on-worker",
    "file-not-readable-on-worker",
)


def _artifact(storage_type: str, required: Schema, optional: Schema | None = None) -> Schema:
    return _object({"storageType": {"const": storage_type}, "expires": TIME} | required, optional)


_ARTIFACT = {
    "oneOf": [
        _artifact("s3", {"contentType": _CONTENT_TYPE}, {"contentLength": {"type": "integer", "minimum": 0}}),
        _artifact("object", {"contentType": _CONTENT_TYPE}),
        _artifact("reference", {"contentType": _CONTENT_TYPE, "url": ANY_TEXT}),
        _artifact("link", {"artifact": _text("^[ -~]+$", 1, 1024)}, {"contentType": _CONTENT_TYPE}),
        _artifact("error", {"reason": {"enum": list(_FAULTS)}, "message": {"type": "string", "maxLength": 4096}}),
    ]
}
_UPLOAD = {"projectId": ANY_TEXT, "uploadId": SLUG_ID}


class Shape:
    """One schema by its name in Taskcluster's references."""

    def __init__(self, name: str, schema: Schema) -> None:
        self.name = name
        self._validator = jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)

    def check(self, body: Any) -> None:
        """Refuse a body that does not fit."""
        found = [error.message for error in self._validator.iter_errors(body)]
        if found:
            listed = "\n".join(f"  * {message}" for message in found)
            raise ApiError(
                "InputValidationError",
                f"\nSchema Validation Failed!\nRejecting Schema: {self.name}\nErrors:\n{listed}",
            )


TASK = Shape("queue/v1/create-task-request.json", _TASK)
CLAIM = Shape("queue/v1/task-claim-request.json", _object(WORKER))
CLAIM_WORK = Shape(
    "queue/v1/claim-work-request.json",
    _object(WORKER, {"tasks": {"type": "integer", "minimum": 1, "maximum": 32, "default": 1}}),
)
EXCEPTION = Shape("queue/v1/task-exception-request.json", _object({"reason": {"enum": list(REASONS)}}))
ARTIFACT = Shape("queue/v1/post-artifact-request.json", _ARTIFACT)
FINISH_ARTIFACT = Shape("queue/v1/finish-artifact-request.json", _object({"uploadId": SLUG_ID}))
TASK_IDS = Shape("queue/v1/tasks-request.json", _object({}, {"taskIds": {"type": "array", "items": ANY_TEXT}}))
TASK_PRIORITY = Shape("queue/v1/change-task-priority-request.json", _object({"newPriority": PRIORITY}))
QUARANTINE = Shape(
    "queue/v1/quarantine-worker-request.json", _object({"quarantineUntil": TIME}, {"quarantineInfo": ANY_TEXT})
)
SCOPES = Shape("auth/v1/scopeset.json", _object({"scopes": {"type": "array", "items": SCOPE}}))
INDEXES = Shape("index/v1/list-tasks-at-index.json", _object({}, {"indexes": {"type": "array", "items": ANY_TEXT}}))
INDEXED = Shape(
    "index/v1/insert-task-request.json",
    _object({"taskId": SLUG_ID, "rank": {"type": "number"}, "data": ANY_OBJECT, "expires": TIME}),
)
CREATE_UPLOAD = Shape(
    "object/v1/create-upload-request.json",
    _object(_UPLOAD | {"expires": TIME, "proposedUploadMethods": ANY_OBJECT}, {"hashes": ANY_OBJECT}),
)
FINISH_UPLOAD = Shape("object/v1/finish-upload-request.json", _object(_UPLOAD, {"hashes": ANY_OBJECT}))
