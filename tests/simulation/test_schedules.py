"""Schedules: what the canonical scenarios come to, that one name is one history, and that nothing is wrong in some hundreds."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.doubles.taskcluster.model import Task
from tests.simulation.__main__ import digest, lived
from tests.simulation.buildbot import Outcome
from tests.simulation.catalogue import Catalogue, replayed
from tests.simulation.fabric import Machine, Plan
from tests.simulation.faults import Kind
from tests.simulation.people import task_id
from tests.simulation.scenarios import CANONICAL, Job, Scenario
from tests.simulation.services import Coverage
from tests.simulation.world import World

_ROOT = Path(__file__).parents[2]
# How the runs of the first task end, and in scenarios with more tasks those of the task that it is about.
ENDS: dict[str, Sequence[str]] = {
    "success": ["completed"],
    "failure": ["failed"],
    "files of a build": ["completed"],
    "exception": ["internal-error"],
    "paused by an operator": ["completed"],
    "long build": ["completed"],
    "retry, then success": ["intermittent-task", "completed"],
    "retry with no retries left": ["intermittent-task"],
    "two retries at once": ["completed"],
    "cancelled while pending": ["canceled"],
    "cancelled while running": ["canceled"],
    "cancelled in Buildbot": ["canceled"],
    "cancelled in Buildbot while pending": ["canceled"],
    "master stopped": ["worker-shutdown", "completed"],
    "master killed": ["intermittent-task", "completed"],
    "worker lost": ["intermittent-task", "completed"],
    "deadline while pending": ["deadline-exceeded"],
    "deadline while running": ["deadline-exceeded"],
    "claim expired": ["claim-expired", "completed"],
    "rerun after failure": ["failed", "completed"],
    "rerun after success": ["completed", "completed"],
    "cancelled and rerun": ["canceled", "completed"],
    "malformed payload": ["malformed-payload"],
    "without the scope": ["malformed-payload"],
    "unknown builder": ["malformed-payload"],
    "full builder": ["completed"],
    "collapsed": ["internal-error"],
    "skipped by a condition": ["completed"],
    "rebuilt by a person": ["failed"],
    "priority changed": ["completed"],
    "claimed by somebody else": ["completed"],
    "request erased": ["internal-error"],
    "claim expired after the build": ["claim-expired", "completed"],
    "database away past a claim": ["completed"],
    "build of many claims": ["completed"],
    "cancelled after a retry": ["intermittent-task", "canceled"],
    "cancelled while the master is deaf": ["canceled"],
    "every priority": ["deadline-exceeded"],
}


def _ends(task: Task) -> list[str | None]:
    return [run.reason_resolved for run in task.runs]


@pytest.mark.parametrize("scenario", CANONICAL, ids=lambda scenario: scenario.name)
def test_a_canonical_scenario_ends_as_it_should(scenario: Scenario) -> None:
    world = World(scenario, Plan(), scenario.name, Coverage())
    result = world.run()
    assert result.violations == []
    last = world.ledger.tasks[task_id(len(scenario.jobs) - 1)]
    ends = _ends(last)
    if scenario.name == "two retries at once":  # how many of the retries are told depends on how fast they are heard of
        ends = ends[-1:]
    assert ends == ENDS[scenario.name]


def test_the_same_name_gives_the_same_history() -> None:
    for name in ("random/1/5", "random/1/8", "pair/retry, then success/40/crash_after/70/lost_reply"):
        first, again = (digest(lived(replayed(name), Coverage()).history) for _ in range(2))
        assert first == again


def test_the_hash_seed_of_the_process_changes_nothing() -> None:
    name = "random/3/11"
    digests = {_replayed_elsewhere(name, hash_seed) for hash_seed in ("0", "1", "31337")}
    assert digests == {digest(lived(replayed(name), Coverage()).history)}


def _replayed_elsewhere(name: str, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--replay", name]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(_ROOT)}
    run = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    told: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return told["digest"]


def test_nothing_is_wrong_in_some_schedules() -> None:
    coverage = Coverage()
    names = list(Catalogue().names(160, 4))
    wrong = {name: found for name in names if (found := lived(replayed(name), coverage).violations)}
    assert wrong == {}
    assert {"Look", "RequestBuild", "ClaimRun", "ReclaimRun", "Report", "CancelRequest"} <= set(coverage.commands)


def test_a_request_that_shows_again_after_it_was_taken_for_lost_has_until_the_slowest_sweep() -> None:
    """Buildbot denies it for minutes, so its run ends; it was found that the judge gave the stray no time to be found."""
    assert lived(replayed("random/23/4475"), Coverage()).violations == []


@pytest.mark.parametrize(
    "name",
    [
        # A process slept in the middle of a submit, and its run was settled meanwhile: it takes the request back at once.
        "random/1001/50884",
        # Another worker claimed a run, the bridge cancelled the request, and all rows were lost: the next run took the
        # request over, and its task was cancelled as if a person had asked.
        "random/1001/79536",
        # Three errors of the judges: another's claim ends a request, also where it runs out before the cancel is there.
        "random/1001/101433",
        "random/1001/283",
        "random/1001/45084",
    ],
)
def test_what_a_million_schedules_found(name: str) -> None:
    assert lived(replayed(name), Coverage()).violations == []


def test_every_single_fault_and_every_pair_has_its_name() -> None:
    catalogue = Catalogue()
    for number in (0, 17, catalogue.singles - 1):
        assert replayed(catalogue.single(number)).name == catalogue.single(number)
    pairs = {catalogue.pair(number) for number in range(2000)}
    assert len(pairs) == 2000
    assert replayed(catalogue.pair(catalogue.pairs - 1)).name.startswith("pair/")
    assert len(list(catalogue.names(100, 1))) == 100


def test_the_parts_of_a_long_run_are_together_the_whole() -> None:
    catalogue = Catalogue()
    parts = [name for number in (1, 2, 3) for name in catalogue.names(100, 1, number, 3)]
    assert sorted(parts) == sorted(catalogue.names(100, 1))


class _InTurn(Plan):
    """Strikes the first call of a name, then the first one of the same process after it of the next name, and so on."""

    def __init__(self, *strikes: tuple[str, Kind]) -> None:
        self._left = list(strikes)
        self._struck: Machine | None = None

    def at(self, number: int, machine: Machine, side: str, name: str) -> Kind | None:
        if self._left and self._left[0][0] == name and self._struck in (None, machine):
            self._struck = machine
            return self._left.pop(0)[1]
        return None


# What the simulation has found, each by the calls that had to go wrong.
FOUND = {
    "a renewal of a lease that outlived its work went on for ever, and nobody else came to the row": (
        ("claim", Kind.SLOW_REPLY),
        ("lease", Kind.SLOW_REPLY),
    ),
}


class _HeldUpAfterItsRead(Plan):
    """Stops the Buildbot listener for a while when it writes down what its first status read said."""

    def __init__(self) -> None:
        self._left = ["status", "change"]

    def at(self, number: int, machine: Machine, side: str, name: str) -> Kind | None:
        if machine.name.startswith("buildbot-listener") and self._left and self._left[0] == name:
            self._left.pop(0)
            return Kind.PAUSE_AFTER if name == "change" else None
        return None


def test_a_process_that_was_held_up_after_its_read_does_not_cancel_the_task() -> None:
    """Meanwhile somebody else has cancelled it, and a person may have had it run again."""
    scenario = next(each for each in CANONICAL if each.name == "cancelled in Buildbot while pending")
    world = World(scenario, _HeldUpAfterItsRead(), "held up", Coverage())
    assert world.run().violations == []
    assert world.fabric.faulted == {Kind.PAUSE_AFTER.value: 1}
    assert sum(call["api"] == "queue.cancelTask" for call in world.watch.calls) == 1


@pytest.mark.parametrize("bug", FOUND)
def test_what_was_found_stays_mended(bug: str) -> None:
    scenario = Scenario(bug, (Job(outcomes=(Outcome(1500.0, 0),)),))
    world = World(scenario, _InTurn(*FOUND[bug]), bug, Coverage())
    assert world.run().violations == []


def test_a_request_is_not_stopped_under_the_run_that_found_it_again() -> None:
    """Rows are set back to before the submit while a RETRY is told; how far, the seed says.

    It was found that the next run had written down that it asks for a request. So the first run, when its row was looked
    at just then, took the request for one that nobody may adopt: it was stopped while the next run held it.
    """
    scenario = next(each for each in CANONICAL if each.name == "two retries at once")
    for seed, call in (("two retries at once", "properties"), ("set back 156", "properties"), ("set back 438", "resolve")):
        world = World(scenario, _InTurn((call, Kind.FAILOVER_LONG)), seed, Coverage())
        assert world.run().violations == []


def test_a_priority_that_changed_between_a_submit_and_its_record_is_carried_over() -> None:
    """It was found that the repeated submit wrote the new priority down, though the request had been made with the old one."""
    assert replayed("single/every priority/43/crash_after").world(Coverage()).run().violations == []
    scenario = next(each for each in CANONICAL if each.name == "every priority")
    assert World(scenario, _InTurn(("submit", Kind.CRASH_AFTER)), scenario.name, Coverage()).run().violations == []


@pytest.mark.parametrize("call", [240, 935, 2122])
def test_a_claim_that_neither_side_knows_of_is_not_kept_alive_for_ever(call: int) -> None:
    """It was found that a process renewed the claim of a run whose row and request were both lost, so that nobody built it."""
    assert replayed(f"single/request erased/{call}/database_dropped").world(Coverage()).run().violations == []
