"""Answers about many runs at once, and about the bridge itself."""

from __future__ import annotations

from typing import Literal

from bridge.status.answers.frame import Answer, Moment
from bridge.status.asked import Phase

Severity = Literal["ill", "look"]


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
    """Living processes that serve it."""
    unserved: bool
    """It has runs, and nobody tends them."""
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


class Problem(Answer):
    """Something that is wrong with the bridge, and what to do. `ill`: now; `look`: by day."""

    name: str
    severity: Severity
    what: str
    mend: str


class Health(Answer):
    """Whether the bridge is healthy: the worst of its problems, and all of them, the worst first."""

    state: Literal["well", "look", "ill"]
    problems: list[Problem]
