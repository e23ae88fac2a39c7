"""Gathers the evidence about some tasks: the queue double's journal and history, and Buildbot's own tables."""

from collections.abc import Collection

from tests.history.evidence import Evidence, Json
from tests.sandbox.stack import Stack, by_the_bridge


async def gather(stack: Stack, tasks: Collection[str]) -> Evidence:
    """Collect what the queue double and Buildbot know about these tasks."""
    calls = [call for call in await _all(stack, "journal", "entries") if by_the_bridge(call)]
    history = await _all(stack, "history", "transitions")
    found = {task: await stack.control("GET", f"tasks/{task}") for task in tasks}
    requests: dict[str, list[Json]] = {}
    for request in (each for of_task in (await stack.requests_of(tasks)).values() for each in of_task):
        requests.setdefault(request["key"], []).append(request)
    return Evidence(calls, history, found, requests)


async def _all(stack: Stack, window: str, name: str) -> list[Json]:
    found: list[Json] = []
    since = 0
    while True:
        page = await stack.control("GET", f"{window}?since={since}")
        if page["next"] == since:
            return found
        found += page[name]
        since = page["next"]
