"""A retried run hands its build request on: to whom, when, and in which state."""

from dataclasses import replace

import pytest

from bridge.core import verdict
from bridge.core.chain import heard, is_spent, passes_on, reconcile, tells
from bridge.core.commands import Look, Reprioritise, RequestBuild
from bridge.core.debts import owed
from bridge.core.events import Asking, Claimed, RequestMissing, Submitted, TaskSeen
from bridge.core.lifecycle import advance
from bridge.core.request import RequestState
from bridge.core.run import (
    BuildId,
    Building,
    Phase,
    Queued,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    Settled,
    Stopping,
    Wanted,
    Worker,
)
from bridge.core.status import RunStatus
from bridge.core.verdict import Resolution, Verdict
from tests.unit.core.samples import (
    AT,
    BUILD,
    BUILDING,
    CLAIM,
    CLAIMED,
    GROUP,
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
    task,
    told,
)

RETRIED = replace(REPORTING, verdict=verdict.RETRIED)
CANCELED = replace(REPORTING, verdict=Verdict(Resolution.CANCELED, "a person cancelled it", 6))
SHUT_DOWN = replace(REPORTING, verdict=Verdict(Resolution.WORKER_SHUTDOWN, "the master was stopped", 6))
LOST = replace(REPORTING, verdict=verdict.LOST)
EXPIRED = seen(resolved("claim-expired"), run_status(why="retry"))
REPORTED = seen(resolved("intermittent-task"), run_status(why="task-retry"))


def moved(event: TaskSeen, *phases: Phase) -> dict[int, Phase]:
    rows = {RunId(number): a_run(phase, number) for number, phase in enumerate(phases)}
    return {number: run.phase for number, run in {**rows, **reconcile(rows, event)}.items()}


@pytest.mark.parametrize("phase", [QUEUED, BUILDING, CLAIMED, REPORTING, RETRIED, CANCELED])
@pytest.mark.parametrize("event", [EXPIRED, REPORTED], ids=["claim expired", "reported"])
@pytest.mark.parametrize("heirs", [(), (WANTED,)], ids=["no row yet", "a row"])
def test_the_next_run_takes_the_request_over(phase: Phase, event: TaskSeen, heirs: tuple[Phase, ...]):
    after_it = moved(event, phase, *heirs)
    assert after_it[0] == Settled("handed over to run 1", REQUEST)
    assert after_it[1].request == REQUEST
    assert isinstance(after_it[1], Queued)


@pytest.mark.parametrize("phase", [SHUT_DOWN, LOST])
def test_a_request_that_a_master_stop_ended_or_that_is_lost_is_nobodys(phase: Phase):
    after_it = moved(EXPIRED, phase, WANTED)
    assert isinstance(after_it[0], Settled)
    assert after_it[1] == WANTED


@pytest.mark.parametrize("phase", [WANTED, REFUSED, STOPPING])
def test_what_holds_no_request_or_is_being_stopped_hands_nothing_on(phase: Phase):
    assert moved(EXPIRED, phase, WANTED)[1] == WANTED


@pytest.mark.parametrize(
    "event",
    [
        seen(resolved("canceled"), run_status(why="rerun")),
        seen(resolved("claim-expired"), run_status(why="rerun")),
        seen(resolved("intermittent-task")),
        seen(resolved("claim-expired")),
        seen(resolved("deadline-exceeded")),
    ],
    ids=["cancelled and rerun", "expired and rerun", "no retries left", "expired, no retries left", "deadline"],
)
@pytest.mark.parametrize("phase", [QUEUED, CLAIMED, RETRIED])
def test_a_request_that_no_run_may_adopt_is_stopped(phase: Phase, event: TaskSeen):
    assert isinstance(moved(event, phase)[0], Stopping)


@pytest.mark.parametrize("heir", [replace(WANTED, asked=True), replace(QUEUED, request=replace(REQUEST, id=8)), STOPPING])
def test_an_heir_that_has_a_request_or_may_have_one_adopts_none(heir: Phase):
    after_it = moved(EXPIRED, CLAIMED, heir)
    assert isinstance(after_it[0], Stopping)
    assert after_it[1] == heir


def test_an_heir_that_runs_as_ours_adopts_though_it_looked_for_a_request_of_its_own():
    """Its rows were lost: only a pending run ever asks for a request, so none can be under way."""
    event = seen(resolved("claim-expired"), running(why="retry"))
    heir = moved(event, QUEUED, replace(WANTED, asked=True))[1]
    assert heir == Queued(REQUEST, WORKER, heir.claim)


def test_a_row_set_back_to_its_submit_is_searched_before_it_ends():
    """It was claimed, so it has a request; the heir waits for it."""
    asked = replace(WANTED, asked=True)
    assert moved(EXPIRED, asked, WANTED) == {0: asked, 1: WANTED}
    found = advance(a_run(asked), told(build())).phase
    assert isinstance(moved(EXPIRED, found, WANTED)[1], Queued)
    nothing = advance(a_run(asked), RequestMissing(AT, AT, RULES)).phase
    assert moved(EXPIRED, nothing, WANTED) == {0: Settled("resolved as claim-expired"), 1: WANTED}


def test_a_chain_of_hand_overs_is_walked_in_one_read():
    event = seen(resolved("intermittent-task"), resolved("claim-expired", "task-retry"), run_status(why="retry"))
    after_it = moved(event, QUEUED)
    assert after_it == {
        0: Settled("handed over to run 1", REQUEST),
        1: Settled("handed over to run 2", REQUEST),
        2: Queued(REQUEST),
    }


def test_the_adopted_request_is_stopped_if_its_new_run_was_cancelled_meanwhile():
    event = seen(resolved("intermittent-task"), resolved("canceled", "task-retry", worker=None))
    assert moved(event, RETRIED)[1] == Stopping(REQUEST, "resolved as canceled", AT)


def test_the_heir_looks_at_once():
    rows = reconcile({RunId(0): a_run(CLAIMED)}, EXPIRED)
    assert owed(rows[RunId(1)], AT) == Look(REQUEST)
    assert rows[RunId(1)].builder == "release-linux"


def test_rows_that_a_status_does_not_move_are_left_out():
    event = seen(run_status(), at=AT)
    rows = {RunId(0): advance(a_run(QUEUED), event)}
    assert reconcile(rows, event) == {}
    assert reconcile({}, EXPIRED) == {}


def _heir(phase: Phase = CLAIMED, event: TaskSeen = EXPIRED) -> Run:
    return reconcile({RunId(0): a_run(phase)}, event)[RunId(1)]


def test_the_heir_of_a_reported_retry_waits_for_the_next_build():
    heir = _heir(RETRIED, REPORTED)
    assert heir.phase == Queued(REQUEST, after=BUILD)
    assert advance(heir, told(build(), priority=2)).phase == replace(heir.phase, priority="low")
    assert isinstance(advance(heir, told(build(results=5))).phase, Queued)
    assert advance(heir, told(build(results=5), build(71, worker="w-2"))).phase == Building(
        REQUEST, BuildId(71), Worker(GROUP, "w-2")
    )


def test_a_waiting_run_hands_on_which_builds_were_told_of():
    assert _heir(Queued(REQUEST, WORKER, after=BUILD)).phase == Queued(REQUEST, after=BUILD)


def test_a_run_that_a_master_stop_ended_hands_nothing_on_even_if_its_row_was_set_back():
    assert isinstance(moved(seen(resolved("worker-shutdown"), run_status(why="retry")), CLAIMED)[0], Stopping)


def test_a_newer_build_means_a_retry_even_if_the_first_still_seems_to_run():
    """A master declared dead may leave such a build behind."""
    phase = advance(a_run(CLAIMED), told(build(), build(71))).phase
    assert (phase.verdict, phase.build) == (verdict.RETRIED, BUILD)


def test_a_run_reports_the_master_stop_that_ended_its_own_request():
    phase = advance(a_run(QUEUED), told(build(results=6), results=6, master_shutdown=True)).phase
    assert phase.verdict.resolution is Resolution.WORKER_SHUTDOWN


def test_the_heir_of_an_expired_claim_takes_the_running_build():
    assert advance(_heir(), told(build())).phase == BUILDING


def test_a_retry_that_the_expired_run_did_not_tell_of_costs_the_heir_nothing():
    """An old read shows the first build running, the next one that it ended RETRY: the heir is still pending."""
    heir = advance(_heir(), told(build()))
    heir = advance(heir, told(build(results=5)))
    assert heir.phase == Queued(REQUEST, WORKER, after=BUILD)


def test_the_heir_of_a_retry_that_expired_before_its_report_adopts_the_same_way():
    assert _heir(RETRIED, EXPIRED).phase == Queued(REQUEST, after=BUILD)


def test_a_complete_request_that_nobody_reported_is_reported_by_the_heir():
    heir = advance(_heir(REPORTING), told(build(results=0), results=0))
    assert heir.phase == Reporting(REQUEST, BUILD, WORKER, verdict.of(verdict.Ending(0, True, False), RULES.results), AT)


def test_an_heir_of_a_request_that_a_master_stop_ended_asks_for_its_own():
    heir = advance(_heir(), told(build(results=6), results=6, master_shutdown=True))
    assert heir.phase == Wanted()
    heir = reconcile({RunId(1): heir}, EXPIRED)[RunId(1)]
    assert owed(heir, AT) == RequestBuild()


@pytest.mark.parametrize("phase", [BUILDING, Queued(REQUEST, WORKER, after=BUILD), CLAIMED])
def test_an_heir_that_may_be_claimed_already_reports_the_master_stop(phase: Phase):
    """A claim may be on its way: a claimed run without a request would have to wait for its claim to expire."""
    heir = advance(a_run(phase, number=1), told(build(results=6), build(71, results=6), results=6, master_shutdown=True))
    assert isinstance(heir.phase, Reporting)
    assert heir.phase.verdict.resolution is Resolution.WORKER_SHUTDOWN


def test_an_old_state_from_before_the_newer_build_changes_nothing():
    second = a_run(replace(BUILDING, build=BuildId(71)))
    assert advance(second, told(build())) == second
    assert advance(second, told(build(results=5))) == second
    assert advance(second, told()) == second


def test_a_retry_before_the_claim_keeps_the_identity():
    run = advance(a_run(BUILDING), told(build(results=5)))
    assert run.phase == Queued(REQUEST, WORKER, after=BUILD)
    assert advance(run, told(build(results=5))).phase == replace(run.phase, priority="low")
    run = advance(run, told(build(results=5), build(71, worker="w-2")))
    assert run.phase == Building(REQUEST, BuildId(71), WORKER)
    assert advance(run, told(build(), build(71, 5), build(72))).phase == Building(REQUEST, BuildId(72), WORKER)


@pytest.mark.parametrize(
    "event", [Claimed(AT, CLAIM.taken_until), seen(running())], ids=["the answer comes", "the status shows it"]
)
def test_a_claim_sent_before_a_retry_was_heard_of_is_given_back(event: object):
    waiting = a_run(Queued(REQUEST, WORKER, after=BUILD))
    phase = advance(waiting, event).phase
    assert isinstance(phase, Reporting)
    assert (phase.verdict, phase.build, phase.claim.taken_until) == (verdict.RETRIED, BUILD, CLAIM.taken_until)


def test_a_queued_run_whose_rows_were_lost_is_ours_by_its_identity():
    run = advance(a_run(QUEUED), seen(running()))
    assert (run.phase.worker, run.phase.claim.taken_until) == (WORKER, CLAIM.taken_until)
    assert owed(run, AT) == Look(REQUEST)
    longer = advance(run, seen(running(until=after(minutes=30)))).phase
    assert (longer.worker, longer.claim.taken_until) == (WORKER, after(minutes=30))
    again = advance(run, Claimed(after(1), after(minutes=40))).phase
    assert again.claim.taken_until == after(minutes=40)


FOUND = Queued(REQUEST, WORKER, CLAIM)


def test_a_found_claim_belongs_to_the_newest_build_of_its_worker():
    assert advance(a_run(FOUND), told(build(69, 5, "w-0"), build())).phase == CLAIMED


def test_a_found_claim_whose_build_ended_retry_is_reported():
    phase = advance(a_run(FOUND), told(build(results=5), build(71, worker="w-2"))).phase
    assert (phase.verdict, phase.build) == (verdict.RETRIED, BUILD)
    phase = advance(a_run(FOUND), told(build(results=5))).phase
    assert (phase.verdict, phase.build) == (verdict.RETRIED, BUILD)


def test_a_found_claim_of_no_known_worker_counts_for_the_oldest_build():
    assert advance(a_run(FOUND), told(build(worker="w-9"))).phase == CLAIMED


def test_a_row_that_was_set_back_takes_the_identity_that_the_queue_names():
    """It saw another build start after the claim was lost with the rows; nothing is stopped for that."""
    phase = advance(a_run(replace(BUILDING, worker=Worker(GROUP, "w-2"))), seen(running())).phase
    assert (phase.worker, phase.claim.taken_until) == (WORKER, CLAIM.taken_until)


def test_an_identity_of_an_earlier_group_is_still_ours():
    former = Worker("former-group", "linux-1")
    assert isinstance(advance(a_run(replace(BUILDING, worker=former)), seen(running(former))).phase, Building)


def test_an_adopted_request_that_waits_hears_of_a_new_priority():
    """Nobody remembers which priority it was given, so Buildbot's own answer tells."""
    heir = advance(_heir(RETRIED, REPORTED), told(build(results=5), priority=2))
    assert owed(heir, AT) is None or isinstance(owed(heir, AT), Look)
    heir = reconcile(
        {RunId(1): heir},
        TaskSeen(AT, task(resolved("intermittent-task"), run_status(why="task-retry"), priority="high"), RULES),
    )[RunId(1)]
    assert owed(heir, AT) == Reprioritise(REQUEST, "high")


def test_a_priority_that_no_task_gives_is_not_remembered():
    assert advance(a_run(Queued(REQUEST)), told(priority=99)).phase == Queued(REQUEST)


def test_the_key_of_the_request_stays_that_of_the_run_it_was_made_for():
    heir = _heir()
    assert advance(heir, told(build(), key=f"{TASK}/1")).missing_reads == 1


def test_only_a_run_that_the_queue_retried_passes_its_request_on():
    assert passes_on(EXPIRED.status, RunId(0))
    assert passes_on(REPORTED.status, RunId(0))
    assert not passes_on(seen(resolved("claim-expired")).status, RunId(0))
    assert not passes_on(seen(resolved("claim-expired"), run_status(why="rerun")).status, RunId(0))
    assert not passes_on(seen(resolved("canceled"), run_status(why="retry")).status, RunId(0))


THEIRS = Worker("elsewhere", "theirs")
CANCELLED = told(key=f"{TASK}/0", results=6).state


@pytest.mark.parametrize(
    ("request_", "runs", "spent"),
    [
        (CANCELLED, [resolved("claim-expired", worker=THEIRS)], True),
        (CANCELLED, [resolved("claim-expired"), resolved("claim-expired", worker=THEIRS), run_status()], True),
        (CANCELLED, [running(THEIRS)], True),
        (CANCELLED, [resolved("claim-expired"), run_status()], False),
        (CANCELLED, [resolved("deadline-exceeded", worker=None)], False),
        (told(key=f"{TASK}/0", results=0).state, [resolved("claim-expired", worker=THEIRS)], False),
        (told(key=f"{TASK}/0").state, [running(THEIRS)], False),
    ],
)
def test_a_cancel_after_anothers_claim_was_the_bridges_own(request_: RequestState, runs: list[RunStatus], spent: bool):
    assert is_spent(request_, runs, RULES) is spent


def _after(event: Asking | Submitted, *phases: Phase) -> dict[int, Phase]:
    """The phases that changed when run 1 heard the event."""
    rows = {RunId(number): a_run(phase, number) for number, phase in enumerate(phases)}
    return {number: run.phase for number, run in heard(rows, RunId(1), event).items()}


@pytest.mark.parametrize("older", [replace(WANTED, asked=True), QUEUED, CLAIMED])
def test_while_an_older_run_may_hold_a_request_the_next_one_does_not_ask(older: Phase):
    """Written down all the same, it would pass for a request of its own, and the older run's would be stopped."""
    assert _after(Asking(AT, "builder"), older, WANTED) == {}
    assert reconcile({RunId(0): a_run(replace(WANTED, asked=True)), RunId(1): a_run(WANTED, 1)}, EXPIRED).keys() <= {0}


@pytest.mark.parametrize("older", [WANTED, STOPPING, Settled("resolved as canceled")])
def test_otherwise_it_asks(older: Phase):
    assert _after(Asking(AT, "builder"), older, WANTED) == {1: replace(WANTED, asked=True)}


TELLING = [replace(WANTED, asked=True), QUEUED, BUILDING, REPORTING, REFUSED, STOPPING, Settled("over", REQUEST)]


@pytest.mark.parametrize("older", TELLING)
def test_a_row_that_knows_its_request_tells_of_it(older: Phase):
    assert tells({RunId(0): a_run(older)}, RunId(0))


@pytest.mark.parametrize("older", [WANTED, Settled("over")])
def test_a_row_that_was_set_back_or_made_anew_tells_of_nothing(older: Phase):
    assert not tells({RunId(0): a_run(older)}, RunId(0))


def test_nothing_is_written_down_where_the_row_that_told_of_the_passing_request_is_lost():
    rows = {RunId(1): a_run(WANTED, 1)}
    assert heard(rows, RunId(1), Asking(AT, "builder", RunId(0))) == {}
    assert tells(rows, None)
    told_before = {RunId(0): a_run(Settled("over", REQUEST)), **rows}
    assert heard(told_before, RunId(1), Asking(AT, "builder", RunId(0)))[RunId(1)].phase == replace(WANTED, asked=True)


@pytest.mark.parametrize("older", [WANTED, replace(WANTED, asked=True), replace(STOPPING, request=None)])
def test_a_run_set_back_is_over_once_the_next_one_has_its_request(older: Phase):
    found = Submitted(AT, REQUEST, "builder", "low")
    assert _after(found, older, WANTED) == {0: Settled("handed over to run 1", REQUEST), 1: Queued(REQUEST, priority="low")}


@pytest.mark.parametrize("older", [STOPPING, REFUSED, Settled("resolved as canceled")])
def test_a_run_that_knows_how_it_ends_stays_as_it_is(older: Phase):
    assert 0 not in _after(Submitted(AT, REQUEST, "builder", "low"), older, WANTED)


def test_a_request_that_is_not_taken_ends_nobody():
    assert (
        _after(Submitted(AT, REQUEST, "builder", "low"), WANTED, replace(QUEUED, request=Request(RequestId(8), RunId(1))))
        == {}
    )
    assert _after(Submitted(AT, Request(RequestId(8), RunId(1)), "builder", "low"), WANTED, WANTED).keys() == {1}


def test_a_row_that_is_gone_hears_nothing():
    assert _after(Asking(AT, "builder"), WANTED) == {}
