"""The watch says what must never happen: each of these acts would be wrong, and is blamed at once."""

from contextlib import suppress

import pytest

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Order
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.verdict import Resolution
from tests.doubles.taskcluster import resolvers
from tests.simulation.buildbot import CANCELLED, RETRY, SUCCESS
from tests.simulation.builds import Builds
from tests.simulation.fabric import Machine, Plan
from tests.simulation.people import task_id
from tests.simulation.queue import Queue
from tests.simulation.scenarios import Deed, Job, Scenario
from tests.simulation.services import Coverage
from tests.simulation.watch import LOG
from tests.simulation.world import World

TASK = TaskId(task_id(0))
RUN = RunKey(TASK, RunId(0))
WORKER = Worker("bridge", "worker-plain")


class _Hand:
    """A bridge of one hand: each act is one call, made on a world without services."""

    def __init__(self) -> None:
        self.world = World(Scenario("by hand", (Job(),), replicas=(0, 0, 0)), Plan(), 1, Coverage())
        machine = Machine("hand", 0.0, lambda: None)
        world = self.world
        self.queue = Queue(world.taskcluster, machine, world.watch, lambda: 0.0)
        self.builds = Builds(world.master, machine, world.fabric, world.watch)
        world.people.create(0, Job())

    def does(self, *acts: object) -> list[str]:
        """Make the calls, or let so many seconds pass, one after the other; what was blamed."""

        async def all_of_them() -> None:
            for act in acts:
                with suppress(faults.Fault):
                    await act  # type: ignore[misc]
            self.world.loop.stop()

        self.world.loop.create_task(all_of_them())
        self.world.loop.run_forever()
        return self.world.watch.wrong

    def passes(self, seconds: float) -> None:
        self.world.loop.later(seconds, self.world.loop.stop)
        self.world.loop.run_forever()

    def submits(self, key: RunKey = RUN) -> list[str]:
        at = self.world.fabric.moment()
        return self.does(self.builds.submit(key, Order("plain", {}, (), 0, "", at)))


@pytest.fixture
def hand() -> _Hand:
    return _Hand()


def test_what_is_right_is_not_blamed(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))
    hand.passes(30)
    log = Artifact(LOG, "text/plain", hand.world.fabric.moment(), body=b"done")
    assert hand.does(hand.queue.attach(RUN, log), hand.queue.resolve(RUN, Resolution.COMPLETED)) == []
    assert hand.world.ledger.tasks[TASK].state == "completed"


def test_a_request_for_a_run_that_is_not_there(hand: _Hand) -> None:
    assert hand.submits(RunKey(TASK, RunId(1)))[0].startswith("S2")


def test_a_second_request_for_a_run_that_may_adopt_one(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))
    hand.world.master.lose_worker()
    hand.does(hand.queue.resolve(RUN, Resolution.INTERMITTENT_TASK))
    assert hand.submits(RunKey(TASK, RunId(1)))[0].startswith("S1")


def test_a_claim_before_any_build(hand: _Hand) -> None:
    assert hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))[0].startswith("S3")


@pytest.mark.parametrize("word", [Resolution.COMPLETED, Resolution.FAILED, Resolution.INTERMITTENT_TASK])
def test_a_verdict_while_the_build_runs(hand: _Hand, word: Resolution) -> None:
    hand.submits()
    hand.passes(5)
    hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))
    assert hand.does(hand.queue.resolve(RUN, word))[0].startswith("S4")


def test_a_verdict_without_a_log(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))
    hand.passes(30)
    assert hand.does(hand.queue.resolve(RUN, Resolution.COMPLETED))[0].startswith("S9")


def test_a_good_task_called_malformed(hand: _Hand) -> None:
    own = Worker("bridge", hand.world.watch.own)
    assert hand.does(hand.queue.claim(RUN, own, "proj-sim/linux"), hand.queue.resolve(RUN, None))[0].startswith("S8")


@pytest.mark.parametrize("job", [Job(scopes=()), Job(payload={"nonsense": 1}), Job(payload="plain")])
def test_a_request_for_a_task_that_may_not_build(hand: _Hand, job: Job) -> None:
    hand.world.people.create(1, job)
    assert hand.submits(RunKey(TaskId(task_id(1)), RunId(0)))[0].startswith("S2")


def test_a_second_request_where_a_result_waits_to_be_told(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))
    hand.passes(1300)  # the build is over, and the claim, which nobody renews, too
    resolvers.poll(hand.world.ledger, hand.world.taskcluster.now())
    assert hand.submits(RunKey(TASK, RunId(1)))[0].startswith("S1")


def test_a_wrong_verdict(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    hand.does(hand.queue.claim(RUN, WORKER, "proj-sim/linux"))
    hand.passes(30)
    assert hand.does(hand.queue.resolve(RUN, Resolution.FAILED))[0].startswith("S4")


def test_a_cancel_of_the_task_without_a_read_or_a_reason(hand: _Hand) -> None:
    assert hand.does(hand.queue.cancel_task(TASK))[0].startswith("S5")
    other = _Hand()
    other.submits()
    assert other.does(other.queue.status(TASK), other.queue.cancel_task(TASK))[0].startswith("S4")


def test_a_stop_of_a_build_that_is_wanted(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    assert hand.does(hand.builds.cancel(RUN, ""))[0].startswith("S7")


def test_a_stop_of_a_build_that_nobody_wants_is_right(hand: _Hand) -> None:
    hand.submits()
    hand.passes(5)
    hand.world.people.act(Deed(0.0, "cancel"))
    assert hand.does(hand.builds.cancel(RUN, "")) == []
    hand.passes(5)
    assert hand.world.master.requests[1].results == CANCELLED


def test_without_a_bridge_everything_is_late() -> None:
    world = World(Scenario("nobody", (Job(),), replicas=(0, 0, 0)), Plan(), 1, Coverage())
    world.loop.later(400.0, lambda: world.people.act(Deed(0.0, "cancel")))
    assert any(wrong.startswith("L1") for wrong in world.run().violations)


def test_the_results_are_buildbots_own() -> None:
    from bridge.core.verdict import Results

    assert (SUCCESS, RETRY, CANCELLED) == (Results.SUCCESS, Results.RETRY, Results.CANCELLED)
