"""All that the status API answers, in one table: routes are made of it, and so is the API's document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from bridge.status import answers, asked
from bridge.status.desk import Desk

BASE: Final = "/api/v1"
Ask = Callable[[Desk, Any, Any], Awaitable[answers.Answer]]
"""Takes the desk, what the path says, and what the query says."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One question: its place below `BASE`, its name, its parameters, its answer."""

    path: str
    name: str
    summary: str
    answer: type[answers.Answer]
    ask: Ask
    in_path: type[asked.Asked] = asked.Nothing
    in_query: type[asked.Asked] = asked.Nothing


OPERATIONS: Final = (
    Operation(
        "runs",
        "listRuns",
        "Runs, newest first",
        answers.RunList,
        lambda desk, _, which: desk.runs(which),
        in_query=asked.Runs,
    ),
    Operation(
        "runs/{taskId}/{runId}",
        "showRun",
        "All that is known of a run, both sides read now",
        answers.RunWhole,
        lambda desk, which, _: desk.run(which),
        in_path=asked.OfRun,
    ),
    Operation(
        "tasks/{taskId}",
        "showTask",
        "The runs of a task",
        answers.Task,
        lambda desk, which, _: desk.task(which),
        in_path=asked.OfTask,
    ),
    Operation(
        "tasks/{taskId}/trace",
        "traceTask",
        "All that happened to a task, on both sides, in the order of time",
        answers.Trace,
        lambda desk, which, _: desk.trace(which),
        in_path=asked.OfTask,
    ),
    Operation(
        "task-groups/{taskGroupId}",
        "showTaskGroup",
        "The runs of a task group, and what their tasks depend on",
        answers.TaskGroup,
        lambda desk, group, page: desk.task_group(group, page),
        in_path=asked.OfGroup,
        in_query=asked.Paged,
    ),
    Operation(
        "search",
        "search",
        "Runs by task, task group, build request, build, build number or builder",
        answers.Hits,
        lambda desk, _, which: desk.search(which),
        in_query=asked.Search,
    ),
    Operation(
        "health",
        "showHealth",
        "Whether the bridge is healthy, and what to do if not",
        answers.Health,
        lambda desk, *_: desk.health(),
    ),
    Operation("counts", "countRuns", "How many unsettled runs are where", answers.Counts, lambda desk, *_: desk.counts()),
    Operation(
        "pools", "listPools", "What each pool admits, who serves it, its runs", answers.Pools, lambda desk, *_: desk.pools()
    ),
    Operation("services", "listServices", "Who serves", answers.Services, lambda desk, *_: desk.services()),
    Operation("margins", "showMargins", "How late the bridge is", answers.Margins, lambda desk, *_: desk.margins()),
    Operation(
        "stuck",
        "listStuck",
        "Runs that are stuck: why, and what to do",
        answers.Stuck,
        lambda desk, _, page: desk.stuck(page),
        in_query=asked.Paged,
    ),
    Operation(
        "dead-letters",
        "listDeadLetters",
        "Messages that could not be read, newest first",
        answers.DeadLetters,
        lambda desk, _, page: desk.dead_letters(page),
        in_query=asked.Paged,
    ),
    Operation(
        "sweeps", "listSweeps", "What each sweep came to, the last time", answers.Sweeps, lambda desk, *_: desk.sweeps()
    ),
    Operation(
        "orders",
        "listOrders",
        "What operators hold back, and what they did last",
        answers.Orders,
        lambda desk, *_: desk.orders(),
    ),
    Operation(
        "history",
        "showHistory",
        "Waiting times, outcomes and margins over time",
        answers.History,
        lambda desk, _, which: desk.history(which),
        in_query=asked.History,
    ),
)
"""All but the stream of changes and the document itself."""
EVENTS: Final = "events"
DOCUMENT: Final = "openapi.json"
