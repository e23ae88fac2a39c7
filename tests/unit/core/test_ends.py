"""How runs end: by their build, by Taskcluster, by a request that is lost, by a stop."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.core import verdict
from bridge.core.commands import AttachLeftovers, CancelRequest, Report, RequestBuild
from bridge.core.debts import owed
from bridge.core.events import Attached, CancelAsked, HeldBack, RequestMissing, Submitted, TaskMissing
from bridge.core.lease import LEASE
from bridge.core.lifecycle import advance
from bridge.core.run import Building, Phase, Queued, Reporting, Request, Run, RunId, Settled, Stopping, Wanted
from bridge.core.verdict import Resolution, Verdict
from tests.unit.core.samples import (
    AT,
    BUILD,
    BUILDING,
    CLAIM,
    CLAIMED,
    DEADLINE,
    OTHER,
    QUEUED,
    REFUSED,
    REPORTING,
    REQUEST,
    RULES,
    STOPPING,
    TASK,
    WANTED,
    WORKER,
    a_run,
    after,
    build,
    resolved,
    run_status,
    running,
    seen,
    told,
)

ASKED = replace(WANTED, asked=True)


def _verdict(run: Run) -> Verdict:
    assert isinstance(run.phase, Reporting)
    return run.phase.verdict


@pytest.mark.parametrize("phase", [QUEUED, BUILDING, CLAIMED])
def test_a_builds_end_is_no_verdict_while_the_request_is_open(phase: Phase):
    assert isinstance(advance(a_run(phase), told(build(results=2))).phase, Building)


def test_a_retry_found_only_after_the_request_completed_uses_up_no_retry():
    run = advance(a_run(CLAIMED), told(build(results=5), build(71, 0), results=0))
    assert (_verdict(run).resolution, run.phase.build, run.phase.worker) == (Resolution.COMPLETED, 71, WORKER)


def test_a_request_that_ends_without_a_build_is_reported_under_the_bridges_own_identity():
    phase = advance(a_run(QUEUED), told(results=3)).phase
    assert (phase.build, phase.worker, phase.claim) == (None, RULES.own_worker, None)


def test_a_build_seen_only_when_it_was_over_is_claimed_for_its_worker():
    phase = advance(a_run(QUEUED), told(build(results=0), results=0)).phase
    assert (phase.build, phase.worker, phase.claim) == (BUILD, WORKER, None)


def test_a_complete_request_without_a_result_is_not_over():
    run = a_run(CLAIMED)
    assert advance(run, told(build(), complete=True)) == run


def test_a_verdict_once_written_stays():
    run = a_run(REPORTING)
    assert advance(run, told(build(results=2), results=2)) == run


@pytest.mark.parametrize(
    "written",
    [Resolution.COMPLETED, Resolution.FAILED, Resolution.INTERNAL_ERROR, Resolution.WORKER_SHUTDOWN, Resolution.CANCELED],
)
def test_a_report_is_over_when_the_queue_shows_it(written: Resolution):
    run = a_run(replace(REPORTING, verdict=Verdict(written, "why")))
    assert advance(run, seen(resolved(written.value))).phase == Settled(written.value, REQUEST, BUILD)


def test_what_somebody_else_resolved_is_accepted():
    assert advance(a_run(REPORTING), seen(resolved("canceled"))).phase == Settled("resolved as canceled", REQUEST, BUILD)
    assert advance(a_run(REFUSED), seen(resolved("malformed-payload"))).phase == Settled("resolved as malformed-payload")


def test_a_retry_that_brought_no_new_run_stops_the_request():
    run = advance(a_run(replace(REPORTING, verdict=verdict.RETRIED)), seen(resolved("intermittent-task")))
    assert run.phase == Stopping(REQUEST, "resolved as intermittent-task", AT, BUILD)


@pytest.mark.parametrize("phase", [QUEUED, BUILDING, CLAIMED])
def test_a_run_that_another_worker_claimed_is_theirs(phase: Phase):
    run = advance(a_run(phase), seen(running(OTHER)))
    assert isinstance(run.phase, Stopping)
    assert "somebody/else" in run.phase.because


def test_a_run_lost_with_its_rows_waits_for_its_request_to_be_found():
    assert isinstance(advance(a_run(WANTED), seen(running())).phase, Wanted)
    assert advance(a_run(WANTED), told(build())).phase == replace(BUILDING)


def test_a_request_of_another_key_is_not_found():
    run = a_run(WANTED, number=1)
    assert advance(run, told(build())) == run


def test_a_run_cancelled_while_its_submit_is_under_way_waits_for_the_answer():
    run = advance(a_run(ASKED), seen(resolved("canceled", worker=None)))
    assert run.phase == Stopping(None, "resolved as canceled", AT)
    assert owed(run, AT + LEASE / 2) is None
    assert owed(run, AT + LEASE) == CancelRequest(RunId(0), "resolved as canceled", 0)
    run = advance(run, Submitted(after(1), REQUEST, "release-linux", "low"))
    assert owed(run, after(1)) == CancelRequest(RunId(0), "resolved as canceled", 0)
    assert advance(run, told(results=6)).phase == Settled("resolved as canceled", REQUEST)


def test_a_submit_that_came_to_nothing_needs_no_stop():
    run = a_run(replace(STOPPING, request=None))
    assert advance(run, RequestMissing(AT, after(60), RULES)).phase == Settled(STOPPING.because)


def test_a_request_found_under_the_key_of_a_stopped_run_is_stopped():
    run = a_run(replace(STOPPING, request=None))
    assert advance(run, told()).phase == STOPPING
    assert advance(run, told(results=6)).phase == Settled(STOPPING.because, REQUEST)
    assert advance(run, told(key=f"{TASK}/1")) == run


def test_a_wanted_run_that_never_asked_is_over_when_the_task_is():
    assert advance(a_run(WANTED), seen(resolved("canceled", worker=None))).phase == Settled("resolved as canceled")


def test_a_stop_is_asked_for_again_until_the_request_is_complete():
    run = a_run(STOPPING)
    for turn in range(3):
        assert owed(run, after(10 * turn)) == CancelRequest(RunId(0), STOPPING.because, turn)
        run = advance(run, CancelAsked(after(10 * turn), after(10 * turn + 10)))
        run = advance(run, told(build()))
        assert owed(run, after(10 * turn)) is None
    assert advance(run, told(build(results=6), results=6)).phase == Settled(STOPPING.because, REQUEST)


def test_what_a_stopped_build_left_is_attached_before_all_is_over():
    run = advance(a_run(CLAIMED), seen(resolved("canceled")))
    run = advance(run, told(build(results=6), results=6, at=after(1)))
    assert owed(run, after(1)) == AttachLeftovers(BUILD, WORKER)
    assert advance(run, told(build(results=6), results=6, at=after(2))) == run
    assert advance(run, Attached(after(3))).phase == Settled("resolved as canceled", REQUEST, BUILD)


def test_a_stop_whose_number_names_another_request_is_over():
    assert advance(a_run(STOPPING), told(key=f"{TASK}x/0")).phase == Settled(STOPPING.because, REQUEST)


def test_a_stop_goes_on_whatever_taskcluster_says():
    run = a_run(STOPPING)
    assert advance(run, seen(run_status())).phase == STOPPING
    assert advance(run, TaskMissing(AT, after(6))).phase == STOPPING
    assert advance(run, HeldBack(AT, after(6), "no room", asked=True)) == run


def test_a_stop_forgets_reads_that_missed_its_request_when_it_is_seen():
    run = advance(a_run(STOPPING), RequestMissing(AT, after(60), RULES))
    assert owed(run, after(59)) is None
    assert advance(run, told(build())).missing_reads == 0


def _missed(phase: Phase, *minutes: float) -> Run:
    run = a_run(phase)
    for minute in minutes:
        run = advance(run, RequestMissing(after(minutes=minute), after(minutes=minute + 1), RULES))
    return run


@pytest.mark.parametrize("phase", [QUEUED, BUILDING, CLAIMED])
def test_a_request_is_lost_after_three_reads_over_ten_minutes(phase: Phase):
    assert type(_missed(phase, 0, 11).phase) is type(phase)
    assert type(_missed(phase, 0, 4, 9).phase) is type(phase)
    assert _verdict(_missed(phase, 0, 5, 10)) == verdict.LOST


def test_a_lost_request_keeps_what_is_known_of_its_build():
    assert _missed(CLAIMED, 0, 5, 10).phase == Reporting(REQUEST, BUILD, WORKER, verdict.LOST, after(minutes=10), CLAIM)
    assert _missed(QUEUED, 0, 5, 10).phase.worker == RULES.own_worker


def test_the_stop_of_a_lost_request_is_over():
    assert _missed(STOPPING, 0, 5, 10).phase == Settled(f"{STOPPING.because}; its request is lost", REQUEST)


def test_a_read_that_finds_the_request_starts_the_count_anew():
    run = advance(_missed(QUEUED, 0, 5), told())
    assert (run.missing_since, run.missing_reads) == (None, 0)


def test_a_number_that_names_another_request_after_a_restore_counts_as_missing():
    run = a_run(CLAIMED)
    for minute in (0, 5, 10):
        run = advance(run, told(build(results=0), results=0, key="0123456789abcdefABCDEF/0", at=after(minutes=minute)))
    assert _verdict(run) == verdict.LOST


def test_a_run_held_back_says_why_and_tries_again():
    run = advance(a_run(WANTED), HeldBack(AT, after(5), "no room", asked=False))
    assert run.phase == Wanted("no room")
    assert owed(run, after(4)) is None
    assert owed(run, after(5)) == RequestBuild()
    assert run.attempts == 1


def test_a_run_held_back_for_a_reason_that_says_nothing_of_submits_remembers_the_one_that_it_sent():
    asked = advance(a_run(ASKED), HeldBack(AT, after(5), "no answer"))
    assert asked.phase == Wanted("no answer", asked=True)
    never = advance(a_run(WANTED), HeldBack(AT, after(5), "no answer"))
    assert never.phase == Wanted("no answer")


def test_a_later_answer_to_the_same_submit_names_the_same_request():
    run = a_run(QUEUED)
    assert advance(run, Submitted(AT, REQUEST, "release-linux", "low")) == run


def test_a_build_that_ends_past_the_deadline_is_reported_all_the_same():
    claim = replace(CLAIM, reclaim_at=DEADLINE, taken_until=DEADLINE + timedelta(minutes=10))
    run = a_run(replace(CLAIMED, claim=claim), look_at=DEADLINE + timedelta(seconds=65))
    run = advance(run, told(build(results=0), results=0, at=DEADLINE + timedelta(seconds=30)))
    assert _verdict(run).resolution is Resolution.COMPLETED
    assert isinstance(owed(run, DEADLINE + timedelta(seconds=30)), Report)


def test_a_queued_run_that_was_found_claimed_reports_with_its_claim():
    phase = advance(a_run(Queued(REQUEST, WORKER, CLAIM)), told(build(results=0), results=0)).phase
    assert (phase.worker, phase.claim) == (WORKER, CLAIM)


def test_the_request_under_a_runs_own_key_is_its_own():
    assert advance(a_run(WANTED, number=2), told(key=f"{TASK}/2")).phase.request == Request(7, 2)
