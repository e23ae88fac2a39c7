"""From a row to what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.core.debts import owed
from bridge.core.ledger import Entry
from bridge.core.run import Queued, Reporting, Run, Settled, Stopping, Wanted, claim_of
from bridge.core.steering import is_stop
from bridge.core.words import in_words
from bridge.stuck.causes import CAUSES, Cause

OVERDUE: Final = timedelta(minutes=1)
CLAIM_ENDS: Final = timedelta(minutes=5)
HELD: Final = timedelta(minutes=2)
DEADLINE_PASSED: Final = timedelta(minutes=5)  # the queue needs one, and two looks
STOPS: Final = timedelta(minutes=5)
REPORTS: Final = timedelta(minutes=15)
WAITS: Final = timedelta(hours=1)
TRIES: Final = 5

_LEFT_ALONE: Final = re.compile(r"is left alone by this bridge's policy\Z")
_FULL: Final = re.compile(r"pending (build )?requests|takes no more build requests")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a row itself does not say: the time, and the pools that living processes serve."""

    now: datetime
    served: Collection[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a run: its cause, what is particular here, and since when, if that is known."""

    cause: Cause
    detail: str
    since: datetime | None


def findings(entry: Entry, seen: Circumstances) -> tuple[Finding, ...]:
    """All that is wrong with a run, the most urgent first; nothing for one that goes on as it should."""
    if isinstance(entry.run.phase, Settled):
        return ()
    found = {name: Finding(CAUSES[name], detail, since) for name, detail, since in _wrong(entry, seen)}
    return tuple(found[name] for name in CAUSES if name in found)


Wrong = tuple[str, str, datetime | None]


def _wrong(entry: Entry, seen: Circumstances) -> Iterator[Wrong]:
    run = entry.run
    if run.pool not in seen.served:
        yield "pool_unserved", f"pool {run.pool}", None
    yield from _late(entry, seen.now)
    yield from _of_claim(run, seen.now)
    yield from _unknown(run)
    yield from _of_phase(entry, seen.now)


def _late(entry: Entry, now: datetime) -> Iterator[Wrong]:
    run, due = entry.run, entry.due_at
    if due is not None and now - due > OVERDUE and not (entry.lease_until is not None and entry.lease_until > now):
        command = owed(run, now)
        yield "nobody_acts", in_words(command) if command else "", due
    if run.facts is not None and now - run.facts.deadline > DEADLINE_PASSED:
        yield "past_deadline", "", run.facts.deadline
    if run.attempts >= TRIES and not (isinstance(run.phase, Wanted) and run.phase.held):
        command = owed(run, now) or owed(run, run.not_before)
        yield "calls_fail", f"{run.attempts} tries{f': {in_words(command)}' if command else ''}", None


def _of_claim(run: Run, now: datetime) -> Iterator[Wrong]:
    claim = claim_of(run)
    if claim is None:
        return
    if claim.taken_until <= now:
        yield "claim_over", "", claim.taken_until
    elif claim.taken_until - now < CLAIM_ENDS and claim.reclaim_at < now:
        yield "claim_ends_soon", f"at {claim.taken_until:%Y-%m-%dT%H:%M:%SZ}", claim.reclaim_at


def _unknown(run: Run) -> Iterator[Wrong]:
    if run.absent_since is not None:
        yield "task_unknown", "", run.absent_since
    if run.missing_since is not None:
        yield "request_unknown", f"{run.missing_reads} reads", run.missing_since


def _of_phase(entry: Entry, now: datetime) -> Iterator[Wrong]:
    match entry.run.phase:
        case Wanted(held=str(why)) if now - entry.created_at > HELD and not _LEFT_ALONE.search(why):
            yield _held(why), why, entry.created_at
        case Stopping(since=since, because=because) if now - since > STOPS:
            yield "stop_takes_long", because, since
        case Reporting(since=since, verdict=verdict) if now - since > REPORTS:
            yield "report_takes_long", verdict.resolution.value, since
        case Queued() if now - _scheduled(entry) > WAITS:
            yield "waits_for_worker", f"builder {entry.run.builder or 'unknown'}", _scheduled(entry)
        case _:
            return


def _held(why: str) -> str:
    if is_stop(why):
        return "stopped"
    return "builder_full" if _FULL.search(why) else "held_back"


def _scheduled(entry: Entry) -> datetime:
    return entry.run.facts.scheduled if entry.run.facts is not None else entry.created_at
