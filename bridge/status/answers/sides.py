"""How the two sides show a run."""

from __future__ import annotations

from bridge.status.answers.frame import Answer, Moment


class TaskRun(Answer):
    """A run as Taskcluster shows it."""

    run_id: int
    state: str
    reason_created: str
    scheduled: Moment
    worker_group: str | None
    worker_id: str | None
    taken_until: Moment | None
    reason_resolved: str | None
    resolved: Moment | None


class TaskclusterView(Answer):
    """The task as Taskcluster shows it now; where it could not be read, `error` says why and the rest is null."""

    error: str | None
    page: str
    state: str | None
    priority: str | None
    deadline: Moment | None
    retries_left: int | None
    runs: list[TaskRun] | None


class Build(Answer):
    """One build of a request."""

    build_id: int
    number: int
    worker: str
    started_at: Moment
    complete_at: Moment | None
    results: str | None
    state: str


class BuildbotView(Answer):
    """The build request as Buildbot shows it now; where it could not be read, `error` says why and the rest is null."""

    error: str | None
    page: str | None
    request_id: int | None
    made_for: str | None
    """The run for which it was made."""
    claimed: bool | None
    complete: bool | None
    results: str | None
    submitted_at: Moment | None
    complete_at: Moment | None
    priority: int | None
    builds: list[Build] | None
