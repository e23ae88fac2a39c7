"""What each phase owes, and that `owed` and `due_at` never disagree."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given

from bridge.core.commands import (
    AttachLeftovers,
    CancelRequest,
    ClaimRun,
    Command,
    Explain,
    Look,
    ReclaimRun,
    Report,
    Reprioritise,
    RequestBuild,
)
from bridge.core.debts import due_at, owed
from bridge.core.lease import TRUST, trusted
from bridge.core.run import Phase, Run, RunId, Settled, claim_of, request_of
from bridge.core.verdict import Resolution, Verdict
from tests.unit.core.samples import (
    AT,
    BUILD,
    BUILDING,
    CLAIM,
    CLAIMED,
    DEADLINE,
    GOOD,
    QUEUED,
    REFUSED,
    REPORTING,
    REQUEST,
    SETTLED,
    STOPPING,
    WANTED,
    WORKER,
    a_run,
    after,
)
from tests.unit.core.strategies import moments, runs

CANCELED = Verdict(Resolution.CANCELED, "cancelled in Buildbot", 6)
REPORT = Report(WORKER, BUILD, REQUEST, GOOD, claimed=True)
UNCLAIMED = replace(REPORTING, claim=None)
MIRRORED = replace(UNCLAIMED, verdict=CANCELED, build=None)
STOPPED_BY_A_PERSON = replace(UNCLAIMED, verdict=CANCELED)


@pytest.mark.parametrize(
    ("phase", "command"),
    [
        (WANTED, RequestBuild()),
        (QUEUED, None),
        (replace(QUEUED, priority="high"), Reprioritise(REQUEST, "low")),
        (replace(QUEUED, priority=None), None),
        (BUILDING, ClaimRun(WORKER)),
        (CLAIMED, None),
        (REPORTING, REPORT),
        (UNCLAIMED, ClaimRun(WORKER)),
        (MIRRORED, Report(WORKER, None, REQUEST, CANCELED, claimed=False)),
        (STOPPED_BY_A_PERSON, ClaimRun(WORKER)),
        (REFUSED, ClaimRun(REFUSED.worker)),
        (replace(REFUSED, claim=CLAIM), Explain(REFUSED.worker, REFUSED.reason)),
        (STOPPING, CancelRequest(RunId(0), STOPPING.because, 0)),
        (replace(STOPPING, request=None), CancelRequest(RunId(0), STOPPING.because, 0)),
        (replace(STOPPING, build=BUILD, worker=WORKER, over=True), AttachLeftovers(BUILD, WORKER)),
        (replace(STOPPING, build=BUILD, over=True), CancelRequest(RunId(0), STOPPING.because, 0)),
        (SETTLED, None),
    ],
)
def test_each_phase_owes_its_one_thing(phase: Phase, command: Command | None):
    assert owed(a_run(phase), AT) == command


def test_an_adopted_request_is_stopped_under_the_key_that_it_was_made_for():
    assert owed(a_run(STOPPING, number=2), AT).created_for == RunId(0)
    assert owed(a_run(replace(STOPPING, request=None), number=2), AT).created_for == RunId(2)


@pytest.mark.parametrize(
    "phase", [CLAIMED, REPORTING, replace(REFUSED, claim=CLAIM), replace(QUEUED, worker=WORKER, claim=CLAIM)]
)
def test_a_claim_is_renewed_when_due_and_before_anything_else(phase: Phase):
    assert owed(a_run(phase), CLAIM.reclaim_at) == ReclaimRun(phase.worker)


@pytest.mark.parametrize("phase", [BUILDING, CLAIMED, REFUSED, UNCLAIMED])
def test_past_the_deadline_nothing_is_claimed_or_renewed(phase: Phase):
    """The queue refuses both from then on, and resolves the run a minute later."""
    late = DEADLINE + timedelta(seconds=1)
    if claim_of(a_run(phase)) is not None:
        phase = replace(phase, claim=replace(CLAIM, reclaim_at=late))
    run = a_run(phase, not_before=late, look_at=DEADLINE + timedelta(seconds=65))
    assert owed(run, DEADLINE + timedelta(seconds=64)) is None
    assert due_at(run) == run.look_at


def test_a_verdict_is_reported_between_the_deadline_and_the_queues_own_act():
    run = a_run(REPORTING, not_before=DEADLINE, look_at=DEADLINE + timedelta(seconds=65))
    run = replace(run, phase=replace(REPORTING, claim=replace(CLAIM, reclaim_at=DEADLINE)))
    assert owed(run, DEADLINE) == REPORT


def test_a_run_whose_deadline_is_not_known_is_claimed():
    assert owed(a_run(BUILDING, facts=None), AT) == ClaimRun(WORKER)


def test_a_cancelled_run_that_is_claimed_keeps_its_claim_until_it_is_reported():
    assert owed(a_run(replace(MIRRORED, claim=CLAIM)), CLAIM.reclaim_at) == ReclaimRun(WORKER)


@given(runs, moments)
def test_nothing_is_owed_before_it_is_due(run: Run, now: datetime):
    due = due_at(run)
    assert (owed(run, now) is not None) == (due is not None and due <= now)


@given(runs)
def test_every_unsettled_run_has_a_moment_when_something_is_due(run: Run):
    due = due_at(run)
    assert (due is None) == isinstance(run.phase, Settled)
    assert due is None or owed(run, due) is not None


@given(runs)
def test_a_due_look_comes_first(run: Run):
    if not isinstance(run.phase, Settled):
        assert owed(run, run.look_at) == Look(request_of(run))


def test_a_lease_is_trusted_for_less_than_it_lasts():
    assert trusted(AT, AT + TRUST - timedelta(milliseconds=1))
    assert not trusted(AT, AT + TRUST)
    assert not trusted(AT, after(30))
