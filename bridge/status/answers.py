"""The answers, as programs read them: camel case, moments in ISO form, every field always there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bridge.status.asked import Phase

Moment = datetime


class Answer(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


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


class Count(Answer):
    pool: str
    phase: Phase
    runs: int


class HeldRuns(Answer):
    pool: str
    why: str
    runs: int


class Counts(Answer):
    """Unsettled runs by pool and phase, and what pending ones wait for."""

    runs: list[Count]
    held: list[HeldRuns]


class PoolLimits(Answer):
    properties: int
    depth: int
    bytes: int
    name: int


class PoolRules(Answer):
    """A pool in the settings of the process that answers."""

    task_queue_id: str
    buildbot: str
    builders: list[str]
    denied: list[str]
    left_alone: list[str]
    scope_prefixes: list[str]
    version: str
    """Changes with every change of what is admitted."""
    limits: PoolLimits


class Pool(Answer):
    name: str
    rules: PoolRules | None
    """Null: not in these settings."""
    served_by: list[str]
    """Living processes that serve it. None of them and runs nevertheless: nobody tends those."""
    runs: list[Count]


class Pools(Answer):
    pools: list[Pool]


class Service(Answer):
    name: str
    service: str
    version: str
    pools: list[str]
    started_at: Moment
    seen_at: Moment
    alive: bool


class Services(Answer):
    """The processes that serve, and those that showed life within a day and said no good-bye."""

    services: list[Service]


class Margins(Answer):
    """By which people see how late the bridge is."""

    oldest_due: Moment | None
    """Since when the oldest debt is due, or when the next one will be."""
    first_claim_ends: Moment | None
    oldest_wanted: Moment | None
    """Since when the run waits that has waited longest without a build request."""


class StuckRun(Answer):
    run: Run
    findings: list[Finding]


class Stuck(Answer):
    """A page of the runs that are stuck: why, and what to do."""

    stuck: list[StuckRun]
    newer: int
    continuation_token: str | None


class DeadLetter(Answer):
    """A message that could not be read. `beginning`: its first bytes, all but plain characters written as in Python."""

    id: int
    at: Moment
    exchange: str
    routing_key: str
    reason: str
    size: int
    sha256: str
    beginning: str


class DeadLetters(Answer):
    dead_letters: list[DeadLetter]
    continuation_token: str | None


class Sweep(Answer):
    name: str
    service: str
    began_at: Moment
    ended_at: Moment
    found: int
    fault: str | None


class Sweeps(Answer):
    """What each sweep of each process came to, the last time."""

    sweeps: list[Sweep]


class Outcome(Answer):
    outcome: str
    runs: int


class HistoryStep(Answer):
    """What happened within a step that began at `at`; the worst of it for what is measured."""

    at: Moment
    builds: int
    """Builds that began."""
    waited_half: float | None
    """Seconds from a run's scheduling to its build's begin: half of them waited less."""
    waited_most: float | None
    """Nineteen of twenty waited less."""
    outcomes: list[Outcome]
    unsettled: int | None
    held: int | None
    oldest_due: float | None
    """Seconds that the oldest debt was late."""
    claim_margin: float | None
    """Seconds until the first claim would have ended."""


class History(Answer):
    """Steps in which nothing happened and nothing was measured are left out."""

    since: Moment
    complete_since: Moment
    """Builds and ends before this are left out: there were too many since."""
    step: int
    steps: list[HistoryStep]


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
