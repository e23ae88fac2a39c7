"""What the queue says, parsed once: statuses from answers, hints from Pulse messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator

from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
# Far from the ends of the calendar, so that times can be reckoned with. Artifacts were made to live a thousand years.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _read(said: object) -> datetime:
    """A time in the standard library's UTC, as rows have it: what a sweep reads is compared several times as fast so."""
    at = datetime.fromisoformat(said) if isinstance(said, str) else None
    if at is None or at.tzinfo is None or not _FIRST <= at < _LAST:
        raise ValueError("this is no time with a zone between the years 1970 and 9000")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


Moment = Annotated[datetime, PlainValidator(_read)]
LARGEST = 256 * 1024  # bytes of a message; the queue's have about one kilobyte
EXCHANGES = "exchange/taskcluster-queue/v1/"
PENDING = f"{EXCHANGES}task-pending"
EXCEPTION = f"{EXCHANGES}task-exception"


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # the queue may say more one day


class RunWire(_Wire):
    """One of `status.runs`; optional keys are absent until they apply."""

    runId: int
    state: RunState
    reasonCreated: str
    scheduled: Moment
    workerGroup: str | None = None
    workerId: str | None = None
    takenUntil: Moment | None = None
    reasonResolved: str | None = None
    resolved: Moment | None = None
    started: Moment | None = None

    def value(self) -> RunStatus:
        """The run as a value of the core."""
        worker = Worker(self.workerGroup, self.workerId) if self.workerGroup and self.workerId else None
        return RunStatus(
            self.state,
            self.reasonCreated,
            self.scheduled,
            worker,
            self.takenUntil,
            self.reasonResolved,
            self.resolved,
            self.started,
        )


class StatusWire(_Wire):
    """A task's status. `projectId` and `taskQueueId` are younger than the rest."""

    taskId: Slug
    taskQueueId: str
    schedulerId: str
    projectId: str = "none"
    taskGroupId: Slug
    priority: str = "lowest"
    deadline: Moment
    expires: Moment
    retriesLeft: int
    state: str
    runs: list[RunWire]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if [run.runId for run in self.runs] != list(range(len(self.runs))):
            raise ValueError("runs are not in the order of their runId")
        return self

    def value(self) -> TaskStatus:
        """The status as a value of the core."""
        return TaskStatus(
            task_id=TaskId(self.taskId),
            task_queue_id=self.taskQueueId,
            scheduler_id=self.schedulerId,
            project_id=self.projectId,
            task_group_id=self.taskGroupId,
            priority=self.priority,
            deadline=self.deadline,
            expires=self.expires,
            retries_left=self.retriesLeft,
            state=self.state,
            runs=tuple(run.value() for run in self.runs),
        )


class StatusAnswer(_Wire):
    """Answer of status, reports and cancelTask."""

    status: StatusWire


class CredentialsWire(_Wire):
    """Temporary credentials, as the services give them. The certificate is JSON in a string."""

    clientId: str
    accessToken: str = Field(repr=False)
    certificate: str = Field(repr=False)

    @property
    def expiry(self) -> float:
        """When they expire, in seconds since 1970."""
        return CertificateWire.model_validate_json(self.certificate).expiry / 1000

    @model_validator(mode="after")
    def _with_expiry(self) -> Self:
        try:
            _ = self.expiry
        except ValidationError:
            raise ValueError("the certificate tells no expiry") from None  # the cause would show it
        return self


class CertificateWire(_Wire):
    """The part of a certificate that is read here; `expiry` in milliseconds since 1970."""

    expiry: Annotated[float, Field(ge=0, lt=221_845_392_000_000)]


class NamedWire(_Wire):
    """The name in a status."""

    taskId: Slug


class ClaimAnswer(_Wire):
    """Answer of claimTask and reclaimTask."""

    status: NamedWire
    runId: int
    takenUntil: Moment
    credentials: CredentialsWire


class TaskWire(_Wire):
    """The part of a task's definition that is read here."""

    payload: Any = None
    scopes: list[str] = []


class DependentRow(_Wire):
    """A row of `tasks`, of which only the dependencies are read."""

    class Dependent(_Wire):
        """The part of a definition that names other tasks."""

        dependencies: list[Slug] = []

    taskId: Slug
    task: Dependent


class TaskRow(_Wire):
    """A row of `tasks`."""

    taskId: Slug
    task: TaskWire


class PendingRow(TaskRow):
    """A row of the list of pending tasks."""

    runId: Annotated[int, Field(ge=0, le=999)]


class S3Artifact(_Wire):
    """Answer of createArtifact for an S3-like store; the address is a secret until it expires."""

    putUrl: str = Field(repr=False)


class ObjectArtifact(_Wire):
    """Answer of createArtifact for the object service, with credentials for this upload alone."""

    name: str
    projectId: str
    uploadId: str
    expires: Moment
    credentials: CredentialsWire


class PutWire(_Wire):
    """Where and with which headers the object service wants a PUT."""

    url: str = Field(repr=False)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)


class MethodWire(_Wire):
    """How the object service takes, or has taken, the body."""

    dataInline: bool | None = None
    putUrl: PutWire | None = None


class UploadAnswer(_Wire):
    """Answer of the object service's createUpload."""

    uploadMethod: MethodWire


class ArtifactInfo(_Wire):
    """Answer of artifactInfo."""

    storageType: str
    contentType: str = ""
    expires: Moment


class ContentAnswer(_Wire):
    """Answer of `artifact`: where an artifact's content is. The address may be signed."""

    storageType: str
    url: str | None = Field(default=None, repr=False)


class PulseWire(_Wire):
    """A message of a task exchange. Only names are taken from it: what it says of states is advisory."""

    runId: Annotated[int, Field(ge=0, le=999, strict=True)]
    status: PulseStatusWire


class PulseStatusWire(_Wire):
    """The names in a message's status."""

    taskId: Slug
    taskQueueId: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,38}/[a-z0-9_-]{1,38}$")]


PulseWire.model_rebuild()


@dataclass(frozen=True, slots=True)
class Heard:
    """A message named this run. `at`: when that happened of which it tells, as far as it says so; only to be measured."""

    exchange: str
    key: RunKey
    task_queue_id: str
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that says nothing we can use, and why."""

    reason: str


def hear(exchange: str, body: bytes) -> Heard | Unreadable:
    """Read a Pulse message of the two exchanges that matter; never raises."""
    if exchange not in (PENDING, EXCEPTION):
        return Unreadable(f"exchange {exchange!r} is not one that was bound")
    if len(body) > LARGEST:
        return Unreadable(f"{len(body)} bytes are more than a message of the queue has")
    try:
        said = json.loads(body.decode())
        message = PulseWire.model_validate(said)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        return Unreadable(_reason(error))
    key = RunKey(TaskId(message.status.taskId), RunId(message.runId))
    return Heard(exchange, key, message.status.taskQueueId, _happened(said, message.runId))


class _RunTimes(_Wire):
    """What a message tells of the times of a run."""

    scheduled: Moment | None = None
    resolved: Moment | None = None


def _happened(said: Any, run_id: int) -> datetime | None:
    """When the run was resolved, or else scheduled; None where that is not told in a form that is known."""
    try:
        times = _RunTimes.model_validate(said["status"]["runs"][run_id])
    except (KeyError, IndexError, TypeError, ValidationError):
        return None
    return times.resolved or times.scheduled


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
    return f"not JSON in UTF-8: {str(error)[:200]}"


def binding_keys(task_queue_ids: list[str]) -> Mapping[str, str]:
    """Routing patterns by task queue: every message of the queue's runs, and of nobody else's."""
    return {queue: f"primary.*.*.*.*.{queue.replace('/', '.')}.#" for queue in task_queue_ids}


def moment(at: datetime) -> str:
    """A time as the queue's calls take it: UTC, milliseconds, `Z`."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
