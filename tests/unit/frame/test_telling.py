"""What is told once, what again, and what is an alarm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bridge.core import faults
from bridge.metrics import Metrics
from bridge.telling import Telling
from tests.unit.core.samples import BUILDING, FACTS, QUEUED, REPORTING, SETTLED, WANTED, a_run


@pytest.fixture
def telling() -> Telling:
    return Telling(Metrics("reflector", "1.0"))


def test_an_outage_is_told_once_and_each_new_reason_too(telling: Telling) -> None:
    with capture_logs() as lines:
        for said in ("gone", "gone", "slow", "gone"):
            telling.away("database", faults.Unavailable(said))
    assert [line["fault"] for line in lines if line["log_level"] == "warning"] == ["gone", "slow", "gone"]


def test_a_refused_sweep_is_an_alarm_for_it_does_not_pass_by_itself(telling: Telling) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            telling.away("sweep", faults.NotAllowed("listPendingTasks: HTTP 403"))
    alarms = [line for line in lines if line["event"] == "alarm"]
    assert [(line["what"], line["detail"]) for line in alarms] == [("not_allowed", "sweep: listPendingTasks: HTTP 403")]


def waits(telling: Telling, stage: str) -> tuple[float, float]:
    """How many waits were measured, and their seconds in all."""
    found = {
        sample.name.removeprefix("buildbot_bridge_wait_seconds_"): sample.value
        for family in telling.metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith("buildbot_bridge_wait_seconds") and sample.labels.get("stage") == stage
    }
    return found.get("count", 0.0), found.get("sum", 0.0)


def test_waits_are_measured_from_pending_and_from_the_verdict(telling: Telling) -> None:
    now = datetime.now(UTC)
    facts = replace(FACTS, scheduled=now - timedelta(seconds=60))
    wanted, queued, building = (a_run(phase, facts=facts) for phase in (WANTED, QUEUED, BUILDING))
    telling.moved(None, wanted, "new")
    telling.moved(wanted, queued, "request made")
    telling.moved(queued, building, "build started")
    reporting = replace(building, phase=replace(REPORTING, since=now - timedelta(seconds=5)))
    telling.moved(building, reporting, "complete")
    telling.moved(reporting, replace(reporting, phase=SETTLED), "reported")
    for stage, seconds in (("request", 60), ("start", 60), ("report", 5)):
        count, total = waits(telling, stage)
        assert count == 1
        assert seconds <= total < seconds + 30


def test_a_clock_that_is_behind_measures_no_negative_wait(telling: Telling) -> None:
    facts = replace(FACTS, scheduled=datetime.now(UTC) + timedelta(minutes=5))
    telling.moved(a_run(WANTED, facts=facts), a_run(QUEUED, facts=facts), "request made")
    assert waits(telling, "request") == (1, 0)
