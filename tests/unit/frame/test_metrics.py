"""Measures keep their names: dashboards and alerts hang on them."""

import math
import re

from prometheus_client.parser import text_string_to_metric_families

from bridge import metrics
from bridge.metrics import Metrics

PREFIX = "buildbot_bridge_"


def told() -> Metrics:
    """Every method called once."""
    made = Metrics("reflector", "1.2")
    made.heard("task-pending", "new")
    made.late("task-pending", -0.2)
    made.transition(None, "wanted")
    made.transition("wanted", "queued")
    made.outcome("linux", "completed")
    made.call("taskcluster", "queue.claimTask", "ok", 0.2)
    made.found_by_sweep("pending", 3)
    made.fault("ClaimRun", "Unavailable")
    made.defect("ClaimRun")
    made.alarm("not_allowed")
    made.dead_letter("task-pending")
    made.gap()
    made.lost_claim("linux")
    made.runs({("linux", "queued"): 2})
    made.unserved({"dropped": 5})
    made.waiting("linux", 4, 7, 90.0)
    made.waited("linux", "start", 4.0)
    made.pulse_ready(2)
    made.connections(4, 3)
    made.margins(3.5, 600.0)
    made.pulse_connected(connected=True)
    made.watch_connected("main", connected=False)
    made.live_readers(3)
    made.live_refused("expired")
    made.lag(0.01)
    made.silence("reflector.due", 2.0)
    return made


def samples(made: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(made.text().decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(made: Metrics, name: str, **labels: str) -> float:
    return samples(made)[PREFIX + name, frozenset(labels.items())]


def documented() -> dict[str, set[str]]:
    """Names and labels of the table in the module's docstring."""
    cells = re.findall(r"^\| (`.+?`) \|", metrics.__doc__ or "", re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`(\w+(?:\{[\w,]+\})?)`", cell)]
    return {name.partition("{")[0]: set(filter(None, name.partition("{")[2].strip("}").split(","))) for name in named}


def test_names_and_labels_are_those_of_the_documentation() -> None:
    found: dict[str, set[str]] = {}
    for name, labels in samples(told()):
        if name.startswith(PREFIX) and not name.endswith(("_created", "_bucket", "_sum")):
            short = name.removeprefix(PREFIX).removesuffix("_count")
            found.setdefault(short, set()).update(label for label, _ in labels)
    assert found == documented()


def test_what_is_told_is_shown() -> None:
    made = told()
    assert value(made, "transitions_total", from_phase="new", to_phase="wanted") == 1
    assert value(made, "calls_total", side="taskcluster", api="queue.claimTask", outcome="ok") == 1
    assert value(made, "call_seconds_sum", side="taskcluster", api="queue.claimTask") == 0.2
    assert value(made, "found_by_sweep_total", kind="pending") == 3
    assert value(made, "runs", pool="linux", phase="queued") == 2
    assert value(made, "held_back", pool="linux") == 4
    assert value(made, "attempts_highest", pool="linux") == 7
    assert value(made, "oldest_due_age_seconds") == 3.5
    assert value(made, "claim_margin_seconds") == 600
    assert value(made, "pulse_connected") == 1
    assert value(made, "watch_connected", buildbot="main") == 0
    assert value(made, "info", service="reflector", version="1.2") == 1


def test_runs_of_a_phase_that_emptied_disappear() -> None:
    made = told()
    made.runs({("linux", "building"): 1})
    assert (f"{PREFIX}runs", frozenset({("pool", "linux"), ("phase", "queued")})) not in samples(made)


def test_without_claims_the_margin_is_unknown_and_without_debts_nothing_is_late() -> None:
    made = Metrics("all", "1")
    made.margins(None, None)
    assert math.isnan(value(made, "claim_margin_seconds"))
    assert value(made, "oldest_due_age_seconds") == 0


def test_processes_do_not_share_measures() -> None:
    one, other = told(), Metrics("all", "1")
    assert value(one, "queue_gaps_total") == 1
    assert value(other, "queue_gaps_total") == 0


def test_the_process_itself_is_measured() -> None:
    assert ("process_resident_memory_bytes", frozenset()) in samples(Metrics("all", "1"))
