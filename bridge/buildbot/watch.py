"""Follows a master's changes for ever: says when to list everything anew, and which requests to look at sooner.

The stream is only ever a hint. It may tell things twice, late or not at all; a sweep that reads states covers the rest.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.buildbot.answers import Change, Changes
from bridge.buildbot.client import Buildbot
from bridge.core.faults import Fault

WAIT: Final = 25.0
"""Seconds for which the plugin may hold an empty answer back: shorter than the read timeouts of usual proxies."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
_TOO_SOON: Final = 1.0


@dataclass(frozen=True, slots=True)
class Listed:
    """There is, or may be, a gap in what was told: read the state of every request held on this master."""

    epoch: str
    because: str


@dataclass(frozen=True, slots=True)
class Changed:
    """These requests changed: read their states."""

    request_ids: frozenset[int]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The master could not be followed; it is tried again after `pause` seconds."""

    fault: Fault
    attempt: int
    pause: float


Batch = Listed | Changed
_RETRY: Final = 5
"""Buildbot's result of a build after which its request is built again."""


def worth_reading(changes: Sequence[Change]) -> frozenset[int]:
    """Give the requests whose state can matter to a run: a build started, one is to be retried, the request is complete.

    Other changes (a request made or claimed, the end of a build whose request is complete a moment later) would each cost a
    read that tells nothing new.
    """
    return frozenset(
        change.request_id
        for change in changes
        if change.event in {"build.started", "request.completed"}
        or (change.event == "build.finished" and change.results == _RETRY)
    )


Report = Callable[[Trouble], None]


@dataclass(frozen=True, slots=True)
class Place:
    """How far the changes are known."""

    epoch: str
    seq: int


async def watch(client: Buildbot, report: Report, *, wait: float = WAIT) -> AsyncIterator[Batch]:
    """Yield batches until cancelled. Faults of the master are given to `report` and tried again; others propagate.

    The first batch, and the first after a fault, is `Listed`. The next call to the master is made only when a batch has
    been taken, so a slow reader makes for larger batches and not for a backlog.
    """
    place: Place | None = None
    attempt = 0
    while True:
        try:
            # After a fault without a wait: the first answer shall wake the reader, not the first change.
            news, lasted = await _ask(client, place, 0.0 if attempt else wait)
        except Fault as fault:
            attempt += 1
            pause = longest_pause(attempt) * random.random()  # noqa: S311 - spreads calls, guards nothing
            report(Trouble(fault, attempt, pause))
            await asyncio.sleep(pause)
            continue
        batch = batch_of(place, news, recovered=attempt > 0)
        place, attempt = Place(news.epoch, news.seq), 0
        if batch is not None:
            yield batch
        elif lasted < min(_TOO_SOON, wait / 2):
            # Something answers at once instead of waiting: do not ask it in a ring.
            await asyncio.sleep(_TOO_SOON)


async def _ask(client: Buildbot, place: Place | None, wait: float) -> tuple[Changes, float]:
    clock = asyncio.get_running_loop().time
    started = clock()
    news = await client.changes(place.epoch if place else None, place.seq if place else 0, wait)
    return news, clock() - started


def longest_pause(attempt: int) -> float:
    """Give the upper bound, in seconds, of the pause after so many failed attempts in a row; it is drawn below it."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 10))


def batch_of(place: Place | None, news: Changes, *, recovered: bool) -> Batch | None:
    """Say what an answer means to somebody who knew everything up to `place`; None when it is nothing."""
    if place is None:
        return Listed(news.epoch, "first look")
    if news.epoch != place.epoch:
        return Listed(news.epoch, "the master was started anew")
    if news.resync:
        return Listed(news.epoch, "more changes than the master remembers")
    if recovered:
        return Listed(news.epoch, "the master answers again")
    if news.changes:
        return Changed(frozenset(change.request_id for change in news.changes), news.changes)
    return None
