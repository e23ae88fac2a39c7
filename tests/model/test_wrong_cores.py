"""The model can fail: known wrong cores are put in, and each is found out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bridge.core import debts
from bridge.core.commands import Command, ReclaimRun, Report
from bridge.core.run import Building, Run, RunId, Stopping, Wanted
from bridge.core.verdict import Resolution, Verdict
from tests.model.configs import CONFIGS
from tests.model.search import Found, search
from tests.model.space import Space
from tests.model.transitions import Cores

NAMED = {config.name: config for config in CONFIGS}
ENOUGH = 20_000
DOUBT = "the outcome of a call must be read"


def checked(name: str, cores: Cores, states: int = ENOUGH) -> Found:
    return search(Space(NAMED[name], cores), states)


def violation(name: str, cores: Cores) -> str:
    ways = checked(name, cores).violations
    assert ways, "the model does not see it"
    return ways[0][-1]


def reports_at_once(run: Run, now: datetime) -> Command | None:
    """Tells of a success as soon as the run is claimed, and reads the request no more."""
    match run.phase:
        case Building(claim=claim, worker=worker, build=build, request=request) if claim is not None:
            return Report(worker, build, request, Verdict(Resolution.COMPLETED, "the build succeeded", 0), True)
    return debts.owed(run, now)


def stops_on_doubt(_: Mapping[RunId, Run], changed: Mapping[RunId, Run], because: str) -> Mapping[RunId, Run]:
    """Takes an answer that it did not understand for a cancel."""

    def stopped(run: Run) -> Run:
        doubtful = because == DOUBT and isinstance(run.phase, Building)
        return replace(run, phase=Stopping(run.phase.request, because, run.look_at)) if doubtful else run

    return {number: stopped(run) for number, run in changed.items()}


def never_renews(run: Run, now: datetime) -> Command | None:
    """Lets every claim expire."""
    return next((owed for when, owed in debts.debts(run) if when <= now and not isinstance(owed, ReclaimRun)), None)


def forgets_what_it_asked(_: Mapping[RunId, Run], changed: Mapping[RunId, Run], __: str) -> Mapping[RunId, Run]:
    """Takes a run whose submit is under way for one that never asked."""
    wanted = {number: run for number, run in changed.items() if isinstance(run.phase, Wanted)}
    return {**changed, **{number: replace(run, phase=Wanted()) for number, run in wanted.items()}}


def test_the_right_core_has_no_violation():
    for name in NAMED:
        found = checked(name, Cores(), 500)
        assert not found.violations
        assert found.converged == found.states


def test_a_report_without_reading_the_request_again_is_found():
    assert "S4" in violation("plain", Cores(owed=reports_at_once))


def test_a_cancel_on_doubt_is_found():
    assert "S7" in violation("plain", Cores(twist=stops_on_doubt))


def test_a_submit_without_the_key_on_buildbots_side_is_found():
    assert "S1" in violation("plain", Cores(keyed=False))


def test_a_claim_that_is_never_renewed_is_found():
    assert "L4" in violation("plain", Cores(owed=never_renews))


def test_a_row_that_forgets_its_submit_is_found():
    assert "L3" in violation("cancel", Cores(twist=forgets_what_it_asked))


def test_the_way_to_a_violation_is_told_step_by_step():
    way = checked("plain", Cores(keyed=False)).violations[0]
    assert way[0].startswith("1. ")
    assert sum("buildbot.submit(0)" in step for step in way) == 2


def test_the_same_search_gives_the_same_numbers():
    one, two = (replace(checked("retry", Cores(), 500), seconds=0) for _ in range(2))
    assert one == two
