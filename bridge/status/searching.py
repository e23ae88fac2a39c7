"""A search, done: by the rows for all that they hold, and by Buildbot for the numbers of builds, which they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from bridge.core.ledger import Entry, Selection
from bridge.core.request import RequestState
from bridge.core.run import RequestId, request_of
from bridge.status import answers
from bridge.status.ports import Read, Records, Trove
from bridge.status.sides import Away, Live
from bridge.status.sought import Sought

MOST: Final = 20
"""Runs of a kind."""
NUMBERED: Final = 500
"""Of the newest runs, so many are asked of Buildbot for the number of their builds."""


async def search(records: Records, live: Live, what: Sought) -> Trove:
    """Look for it, within the bounds of this file."""
    ways = dict(_ways(what))
    pages = await asyncio.gather(*(records.runs(which, None, MOST) for which in ways.values()))
    found, more = list[tuple[answers.Kind, Entry]](), list[str]()
    for kind, page in zip(ways, pages, strict=True):
        found += [(kind, entry) for entry in page.entries if what.run in (None, entry.run.key.run_id)]
        more += [kind] if page.more is not None and page.entries else []
    if what.number is None:
        return Trove(found, more, 0, ())
    numbered, looked_at, errors = await _numbered(records, live, what, what.number)
    return Trove([*found, *(("number", entry) for entry in numbered)], more, looked_at, errors)


def _ways(what: Sought) -> Iterator[tuple[answers.Kind, Selection]]:
    if what.task is not None:
        yield "task", Selection(task_id=what.task)
    if what.group is not None:
        yield "group", Selection(task_group_id=what.group)
    if what.request is not None:
        yield "request", Selection(request_id=what.request)
    if what.build is not None:
        yield "build", Selection(build_id=what.build)
    if what.builder is not None and what.number is None:
        yield "builder", Selection(builder=f"{what.builder.rstrip('*')}*")


async def _numbered(records: Records, live: Live, what: Sought, number: int) -> tuple[list[Entry], int, list[str]]:
    """The rows among the newest whose request has a build of this number."""
    page = await records.runs(Selection(builder=what.builder), None, NUMBERED)
    asked = {pool: requests for pool in live.sides.pools if (requests := list(_requests(page.entries, pool)))}
    answers = await asyncio.gather(*(_states(live, pool, requests) for pool, requests in asked.items()))
    found, errors = list[Entry](), list[str]()
    for pool, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Away):
            errors.append(answer.why)
            continue
        known = {state.request_id for state in answer.states if _has(state, number, what.builder_id)}
        found += [entry for entry in page.entries if entry.run.pool == pool and _request(entry) in known]
    return found[:MOST], sum(map(len, asked.values())), sorted(set(errors))


async def _states(live: Live, pool: str, requests: Collection[RequestId]) -> Read | Away:
    served = live.sides.pools[pool]
    return await live.read(f"Buildbot {served.buildbot}", served.builds.states(requests))


def _requests(entries: Iterable[Entry], pool: str) -> Iterator[RequestId]:
    yield from dict.fromkeys(
        request for entry in entries if entry.run.pool == pool and (request := _request(entry)) is not None
    )


def _request(entry: Entry) -> RequestId | None:
    request = request_of(entry.run)
    return request.id if request else None


def _has(state: RequestState, number: int, builder_id: int | None) -> bool:
    return any(build.number == number and builder_id in (None, build.builder_id) for build in state.builds)
