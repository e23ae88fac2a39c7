"""What is told once, what again, and what is an alarm."""

import pytest
from structlog.testing import capture_logs

from bridge.core import faults
from bridge.metrics import Metrics
from bridge.telling import Telling


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
