"""When a run is looked at, tried and reclaimed again."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.core import timing
from bridge.core.chain import newborn
from bridge.core.commands import ClaimRun, Look, ReclaimRun, Report, RequestBuild
from bridge.core.debts import owed
from bridge.core.events import Claimed, Deferred, Doubted, Hinted, RequestMissing, TaskMissing, Urged
from bridge.core.lifecycle import advance
from bridge.core.run import Claim, Settled, Stopping
from tests.unit.core.samples import (
    AT,
    BUILDING,
    CLAIM,
    CLAIMED,
    DEADLINE,
    QUEUED,
    REPORTING,
    RULES,
    WANTED,
    WORKER,
    a_run,
    after,
    run_status,
    running,
    seen,
)


def test_a_hint_makes_a_look_due_at_once():
    assert owed(advance(a_run(QUEUED), Hinted(AT)), AT) == Look(QUEUED.request)


def test_a_hint_that_came_while_a_read_was_under_way_is_not_lost():
    run = advance(a_run(QUEUED), Hinted(AT))
    run = advance(advance(run, Hinted(after(2))), seen(run_status(), at=after(1)))
    assert owed(run, after(2)) == Look(QUEUED.request)
    assert owed(advance(run, seen(run_status(), at=after(3))), after(3)) is None


def test_a_hint_during_the_first_read_of_all_is_not_lost():
    run = a_run(WANTED, facts=None, look_at=AT + timing.LOOK_SELDOM, not_before=after(60))
    run = advance(advance(run, Hinted(after(1))), seen(run_status(), at=AT))
    assert owed(run, after(1)) == Look(None)


def test_urging_ends_the_wait_and_looks_first():
    run = a_run(WANTED, look_at=after(3600), not_before=after(600), attempts=7)
    assert owed(run, after(1)) is None
    run = advance(run, Urged(after(1)))
    assert (run.not_before, run.attempts) == (after(1), 0)
    assert owed(run, after(1)) == Look(None)
    assert owed(advance(run, seen(run_status(), at=after(2))), after(2)) == RequestBuild()


def test_urging_puts_nothing_off():
    run = a_run(WANTED, not_before=AT)
    assert advance(run, Urged(after(5))).not_before == AT


def test_a_doubt_that_came_while_a_sweep_read_is_not_lost():
    run = advance(a_run(CLAIMED), Doubted(after(2), after(3)))
    assert owed(advance(run, seen(running(), at=after(1))), after(2)) == Look(CLAIMED.request)


def test_after_a_look_nothing_is_read_without_a_cause_until_the_queue_has_acted_on_the_deadline():
    run = advance(a_run(QUEUED, look_at=AT), seen(run_status()))
    assert owed(run, DEADLINE + timedelta(seconds=64)) is None
    assert owed(run, DEADLINE + timedelta(seconds=65)) == Look(QUEUED.request)


def test_past_the_deadline_looks_come_every_quarter_minute():
    late = DEADLINE + timedelta(minutes=2)
    run = advance(a_run(QUEUED, look_at=late), seen(run_status(), at=late))
    assert run.look_at == late + timedelta(seconds=15)


def test_a_run_that_the_status_does_not_show_is_looked_for_again_without_haste():
    run = advance(a_run(WANTED, number=3, look_at=AT, not_before=after(60)), seen(run_status()))
    assert owed(run, after(14)) is None
    assert owed(run, after(15)) == Look(None)


def test_a_status_that_does_not_show_the_run_tells_all_the_same_that_the_task_exists():
    assert advance(a_run(WANTED, number=3, absent_since=AT), seen(run_status())).absent_since is None


def test_a_run_of_which_nothing_is_known_is_looked_at_some_day():
    assert newborn(a_run(WANTED).key, "linux", seen()).look_at == AT + timing.LOOK_SELDOM


def test_a_failing_look_does_not_put_the_renewal_off():
    """Status reads may be down for an hour while reclaims work."""
    due = replace(CLAIMED, claim=Claim(after(minutes=20), AT))
    run = advance(a_run(due, look_at=AT), Deferred(AT, after(5)))
    assert owed(run, AT) == ReclaimRun(WORKER)


def test_a_failing_report_does_not_put_the_renewal_off():
    run = advance(a_run(REPORTING), Deferred(AT, after(minutes=50)))
    assert owed(run, CLAIM.reclaim_at) == ReclaimRun(WORKER)


def test_a_failing_renewal_does_not_put_the_report_off():
    due = replace(REPORTING, claim=Claim(after(minutes=20), AT))
    run = advance(a_run(due), Deferred(AT, after(5)))
    assert isinstance(owed(run, AT), Report)
    assert owed(run, after(5)) == ReclaimRun(WORKER)


def test_a_report_in_doubt_is_not_repeated_before_a_read():
    """Repeating reportException can free dependents too early; so a failing read holds the report back."""
    run = advance(a_run(REPORTING), Doubted(AT, after(1)))
    assert isinstance(owed(run, AT), Look)
    run = advance(run, Deferred(after(0.5), after(30)))
    assert owed(run, after(29)) is None
    assert isinstance(owed(run, after(30)), Look)


def test_a_wait_asked_for_never_eats_more_than_half_of_what_is_left_of_a_claim():
    due = replace(CLAIMED, claim=Claim(after(minutes=10), AT))
    run = advance(a_run(due), Deferred(AT, after(minutes=60)))
    assert owed(run, after(minutes=5)) == ReclaimRun(WORKER)


def test_a_claim_past_its_end_is_renewed_after_the_wait_asked_for():
    """The queue lets a claim live until its resolver comes by."""
    due = replace(CLAIMED, claim=Claim(AT, AT))
    run = advance(a_run(due), Deferred(after(1), after(6)))
    assert owed(run, after(5)) is None
    assert owed(run, after(6)) == ReclaimRun(WORKER)


def test_attempts_are_counted_until_something_works():
    run = advance(advance(a_run(BUILDING), Doubted(AT, after(1))), Doubted(after(1), after(2)))
    assert run.attempts == 2
    assert advance(run, Claimed(after(2), after(minutes=20))).attempts == 0


def test_an_attempt_whose_debt_is_gone_puts_nothing_off_but_the_next_one():
    run = advance(a_run(QUEUED), Deferred(AT, after(5)))
    assert (run.look_at, run.not_before) == (a_run(QUEUED).look_at, after(5))


moments = st.integers(0, 4000).map(after)


@given(st.integers(1, 4000), moments, moments)
def test_a_claim_answered_late_or_again_never_shrinks(left: int, at: datetime, until: datetime):
    run = advance(a_run(replace(CLAIMED, claim=Claim(after(left), after(left / 2)))), Claimed(at, until))
    assert run.phase.claim.taken_until == max(after(left), until)


@given(moments)
def test_a_status_with_an_older_end_of_the_claim_changes_no_claim(until: datetime):
    run = advance(a_run(CLAIMED), seen(running(until=until)))
    assert run.phase.claim.taken_until == max(CLAIM.taken_until, until)
    if until <= CLAIM.taken_until:
        assert run.phase.claim == CLAIM


def test_claiming_again_for_credentials_leaves_the_renewal_where_it_was():
    assert advance(a_run(CLAIMED), Claimed(after(minutes=6), CLAIM.taken_until)).phase.claim == CLAIM


def test_a_renewal_that_gained_nothing_is_tried_again_later():
    run = advance(a_run(CLAIMED), Claimed(CLAIM.reclaim_at, CLAIM.taken_until))
    assert CLAIM.reclaim_at < run.phase.claim.reclaim_at < CLAIM.taken_until


@given(st.integers(0, 10_000))
def test_a_claim_is_renewed_after_a_third_of_it_spread_by_a_tenth(number: int):
    claim = timing.renewed(a_run(WANTED, number).key, AT, after(minutes=20))
    assert after(400) <= claim.reclaim_at <= after(440)


def test_a_request_that_is_missing_is_looked_for_as_often_as_was_asked():
    run = advance(a_run(QUEUED), RequestMissing(AT, after(60), RULES))
    assert owed(run, after(60)) == Look(QUEUED.request)
    assert run.missing_since == AT


def test_a_task_that_is_absent_is_read_again_before_anything_else():
    run = advance(a_run(WANTED), TaskMissing(AT, after(6)))
    assert owed(run, after(5)) is None
    assert owed(run, after(6)) == Look(None)


def test_a_task_is_absent_when_two_reads_some_seconds_apart_say_so():
    run = advance(a_run(CLAIMED), TaskMissing(AT, after(6)))
    assert isinstance(advance(run, TaskMissing(after(4), after(9))).phase, type(CLAIMED))
    assert isinstance(advance(run, TaskMissing(after(6), after(12))).phase, Stopping)
    wanted = advance(a_run(WANTED), TaskMissing(AT, after(6)))
    assert isinstance(advance(wanted, TaskMissing(after(6), after(12))).phase, Settled)


def test_a_status_between_two_absences_starts_the_count_anew():
    run = advance(a_run(CLAIMED), TaskMissing(AT, after(6)))
    run = advance(run, seen(running(), at=after(1)))
    assert isinstance(advance(run, TaskMissing(after(6), after(12))).phase, type(CLAIMED))


def test_an_unclaimed_build_is_claimed_under_the_identity_in_its_row():
    assert owed(a_run(BUILDING), AT) == ClaimRun(WORKER)
