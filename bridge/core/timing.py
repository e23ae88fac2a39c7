"""When a run is looked at, tried and reclaimed again. Pure arithmetic on given times."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.core.commands import Look, ReclaimRun
from bridge.core.debts import owed
from bridge.core.events import Deferred, Doubted, Hinted, Urged
from bridge.core.run import Building, Claim, Phase, Queued, Refused, Reporting, Run, RunKey

# The queue resolves a run 60 s after its deadline, plus a poll of 5 s: before that there is nothing to see.
DEADLINE_SEEN = timedelta(seconds=65)
LOOK_AGAIN = timedelta(seconds=15)
# Rows of which no status was read yet: what they owe, or a sweep, reads it anyway; this is the net below the net.
LOOK_SELDOM = timedelta(days=1)
RECLAIM_AFTER = 1 / 3  # of the claim: leaves two thirds to survive an outage
JITTER = 0.1


def enter(run: Run, phase: Phase, at: datetime) -> Run:
    """The run in a new phase, with what it owes there due at once."""
    return replace(run, phase=phase, not_before=at, attempts=0, missing_since=None, missing_reads=0)


def later(run: Run, event: Hinted | Urged | Doubted | Deferred) -> Run:
    """Hints make a look due. An attempt that led to nothing puts off what was tried; one in doubt asks for a look first.

    Urging ends all waits between tries, and the look comes first: what may have been done is not done again unseen.

    A hint is remembered as its own moment, even when a look is due already: a read that was asked for before the hint
    does not answer it.
    """
    match event:
        case Hinted(at=at):
            return replace(run, look_at=at)
        case Urged(at=at):
            return replace(run, look_at=at, not_before=min(run.not_before, at), attempts=0)
        case Doubted(at=at):
            return replace(_put_off(run, event), look_at=at)
        case Deferred():
            return _put_off(run, event)


def _put_off(run: Run, event: Doubted | Deferred) -> Run:
    """Put off what was tried in vain, and nothing else, so that no debt starves another.

    What became due during the attempt was not tried: a claim's renewal above all must not wait for a slow upload.

    Only a look that fails holds the phase's own debt back too: a call in doubt is never repeated without a read.
    """
    at, until = event.at, event.until
    tried = event.tried or owed(run, at)
    run = replace(run, attempts=run.attempts + 1)
    if isinstance(tried, Look):
        return replace(run, look_at=until, not_before=max(run.not_before, until))
    match run.phase:
        case (Queued() | Building() | Reporting() | Refused()) as phase if phase.claim and isinstance(tried, ReclaimRun):
            return replace(run, phase=replace(phase, claim=_renewed_later(phase.claim, at, until)))
        case _:
            return replace(run, not_before=max(run.not_before, until))


def _renewed_later(claim: Claim, at: datetime, until: datetime) -> Claim:
    """However long a wait is asked for, half of what is left of the claim is the most."""
    half = at + (claim.taken_until - at) / 2
    return replace(claim, reclaim_at=min(until, half) if half > at else until)


def looked(run: Run, at: datetime, deadline: datetime) -> Run:
    """The task's status was read at `at`: the next look without a cause is after the deadline."""
    return look_by(run, at, max(deadline + DEADLINE_SEEN, at + LOOK_AGAIN))


def look_by(run: Run, at: datetime, when: datetime) -> Run:
    """The next look after a read asked for at `at` is due at `when`, or earlier if a cause came after that read."""
    then = when if run.look_at <= at else min(run.look_at, when)
    return run if then == run.look_at else replace(run, look_at=then)


def renewed(key: RunKey, at: datetime, taken_until: datetime) -> Claim:
    """A claim asked for at `at`, to be renewed after a third of it, spread by up to a tenth so that no herd forms."""
    spread = 1 + JITTER * (zlib.crc32(str(key).encode()) % 1000) / 1000
    return Claim(taken_until, at + (taken_until - at) * RECLAIM_AFTER * spread)


def claimed(key: RunKey, claim: Claim | None, at: datetime, taken_until: datetime) -> Claim:
    """The claim after an answer to claim or reclaim, never shorter than it was.

    Claiming again, for fresh credentials, gains no time: the renewal stays where it was. A renewal that gained nothing
    is tried again all the same.
    """
    if claim is None:
        return renewed(key, at, taken_until)
    if taken_until <= claim.taken_until and at < claim.reclaim_at:
        return claim
    return renewed(key, at, max(taken_until, claim.taken_until))


def merged(key: RunKey, claim: Claim | None, at: datetime, taken_until: datetime) -> Claim:
    """The claim after a status read: only a later end is news (the queue can move takenUntil back in a race)."""
    if claim is not None and taken_until <= claim.taken_until:
        return claim
    return renewed(key, at, taken_until)
