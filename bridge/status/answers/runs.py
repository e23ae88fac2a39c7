"""Answers about runs, tasks and task groups."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bridge.status.answers.frame import Answer, Moment
from bridge.status.answers.sides import BuildbotView, TaskclusterView
from bridge.status.asked import Phase


class Run(Answer):
    """A run's row. What does not apply in its phase is null."""

    task_id: str
    run_id: int
    pool: str
    phase: Phase
    builder: str | None
    task_group_id: str | None
    scheduler_id: str | None
    project_id: str | None
    priority: str | None
    scheduled: Moment | None
    deadline: Moment | None
    expires: Moment | None
    request_id: int | None
    request_run: int | None
    """The run for which the build request was made; a retried run takes over its predecessor's."""
    build_id: int | None
    worker_group: str | None
    worker_id: str | None
    taken_until: Moment | None
    """Until when the run is claimed."""
    reclaim_at: Moment | None
    held: str | None
    """Why a pending run waits, if it waits."""
    reason: str | None
    """Why it was refused, or is being stopped."""
    verdict: str | None
    verdict_why: str | None
    outcome: str | None
    due_at: Moment | None
    """From when something is owed; null once settled."""
    attempts: int
    """Tries in this phase that came to nothing."""
    created_at: Moment
    updated_at: Moment
    stuck: list[str]
    """Names of causes; see `stuck`."""


class Row(Answer):
    """What the row holds besides, about the work on it."""

    version: int
    look_at: Moment
    not_before: Moment
    lease_owner: str | None
    """The process that acts for the run, until `leaseUntil`."""
    lease_until: Moment | None
    holder: str | None
    """The process that has the run's credentials in memory."""
    missing_since: Moment | None
    missing_reads: int
    """On how many reads Buildbot did not know the request."""
    absent_since: Moment | None
    """Since when Taskcluster does not know the task."""


class Debt(Answer):
    """Something that is owed, or will be if nothing happens; the first that is due is done."""

    what: str
    words: str
    at: Moment


class Transition(Answer):
    """A change of phase."""

    run_id: int
    at: Moment
    from_phase: str | None
    to_phase: str
    because: str
    who: str


class Finding(Answer):
    """Something that is wrong with a run, and what to do."""

    cause: str
    what: str
    why: str
    mend: str
    detail: str
    since: Moment | None


class RunWhole(Answer):
    """All that is known of a run."""

    run: Run
    row: Row
    owes: list[Debt]
    stuck: list[Finding]
    transitions: list[Transition]
    taskcluster: TaskclusterView
    buildbot: BuildbotView


class Task(Answer):
    """The runs of a task."""

    task_id: str
    runs: list[Run]
    transitions: list[Transition]
    taskcluster: TaskclusterView


class RunList(Answer):
    """A page of runs, newest first."""

    runs: list[Run]
    newer: int
    """Rows that were left out of this page because a newer version of the bridge wrote them."""
    continuation_token: str | None


class Dependent(Answer):
    """A task and those on which it depends; these may be tasks that no bridge runs."""

    task_id: str
    depends_on: list[str]


class TaskGroup(Answer):
    """A page of the runs of a task group, and what their tasks depend on."""

    task_group_id: str
    page: str
    runs: list[Run]
    edges: list[Dependent]
    edges_error: str | None
    """Why the dependencies could not be read, if they could not."""
    newer: int
    continuation_token: str | None


class StuckRun(Answer):
    run: Run
    findings: list[Finding]


class Stuck(Answer):
    """A page of the runs that are stuck: why, and what to do."""

    stuck: list[StuckRun]
    newer: int
    continuation_token: str | None


class Event(Answer):
    """A change of phase, as `data` of a server-sent event. No pool: the row is gone already."""

    id: int
    task_id: str
    run_id: int
    at: Moment
    from_phase: str | None
    to_phase: str
    because: str
    pool: str | None
    builder: str | None
    task_group_id: str | None


class Happening(Answer):
    """Something that happened to a task, and who says so."""

    at: Moment
    side: Annotated[str, Field(pattern="^(taskcluster|bridge|buildbot)$")]
    run_id: int | None
    what: str


class Trace(Answer):
    """All that happened to a task, on both sides, in the order of time."""

    task_id: str
    happenings: list[Happening]
    errors: list[str]
    """What could not be read."""
