"""Any order of events, any faults, old facts heard late: what must hold, holds, and everything ends once faults end."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.commands import Look, Report
from bridge.core.events import Hinted
from bridge.core.run import Claim, RunId, Settled, claim_of, request_of
from bridge.core.verdict import Results
from tests.unit.core.queue_automaton import OPEN, RefusedError
from tests.unit.core.world import World

FAULTS = ("none", "none", "none", "before", "after", "late", "crash")
WAITS = (0.1, 1, 5, 30, 70, 400, 1300, 3600)


def _last(world: World) -> int:
    return max(world.buildbot.requests, default=0)


def _step(world: World, action: str, n: int) -> None:
    match action:
        case "pay":
            world.pay(n % 3, FAULTS[n // 3 % len(FAULTS)])
        case "settle":
            if RunId(n % 3) in world.rows:
                world.settle(n % 3)
        case "hint":
            world.hear(n % 3, Hinted(world.now))
        case "read the task, hear it later":
            world.late.append((RunId(0), (world.task_seen(),)))
        case "read a request, hear it later":
            run = world.rows.get(RunId(n % 3))
            if run is not None and (request := request_of(run)) is not None:
                world.late.append((run.key.run_id, (world.request_seen(request),)))
        case "hear late":
            if world.late:
                number, events = world.late.pop(n % len(world.late))
                world.hear(number, *events)
        case "sweep":
            (world.sweep_pending, world.sweep_statuses, world.sweep_states)[n % 3]()
        case "start":
            world.buildbot.start(_last(world))
        case "retry":
            world.buildbot.retry(_last(world))
        case "finish":
            world.buildbot.finish(_last(world), tuple(Results)[n % 5])
        case "end":
            ends = (world.buildbot.cancelled, world.buildbot.collapsed, lambda _: world.buildbot.master_stopped())
            ends[n % 3](_last(world))
        case "stopped":
            for stopped in list(world.buildbot.stops):
                world.buildbot.cancelled(stopped)
        case "taskcluster":
            with suppress(RefusedError):
                (world.queue.cancel, world.queue.rerun)[n % 2](world.now)
        case "wait":
            world.wait(WAITS[n % len(WAITS)])
        case "lose rows":
            world.amnesia = True
            world.rows = world.snapshots[-1 - n % min(len(world.snapshots), 8)]
        case "strangers":
            world.sweep_strangers()


USUAL = (
    *("pay",) * 10,
    *("settle",) * 6,
    *("hint", "read the task, hear it later", "read a request, hear it later") * 2,
    *("hear late",) * 3,
    *("sweep",) * 5,
    *("start",) * 6,
    *("retry",) * 3,
    *("wait",) * 5,
    *("finish", "end", "stopped", "taskcluster"),
)
actions = st.tuples(st.sampled_from(USUAL), st.integers(0, 20))
forgetful = st.tuples(st.sampled_from((*USUAL, "lose rows", "strangers")), st.integers(0, 20))
many = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(st.lists(actions, max_size=60), st.booleans())
def test_whatever_happens_one_request_one_verdict_and_a_good_end(steps: list[tuple[str, int]], admitted: bool):
    world = World(admitted=admitted)
    world.sweep_pending()
    for action, n in steps:
        _step(world, action, n)
    world.heal()


@many
@given(st.lists(forgetful, max_size=60))
def test_lost_rows_cost_no_verdict_and_stop_no_build(steps: list[tuple[str, int]]):
    world = World()
    world.sweep_pending()
    for action, n in steps:
        _step(world, action, n)
    world.heal()


prompt = st.sampled_from(("start", "start", "retry", "finish", "end", "stopped", "taskcluster", "hint", "wait"))


def _claims(world: World) -> dict[RunId, Claim]:
    return {number: claim for number, run in world.rows.items() if (claim := claim_of(run)) is not None}


@many
@given(st.lists(st.tuples(prompt, st.integers(0, 20)), max_size=30), st.sampled_from([(), (Look,), (Report,)]))
def test_a_prompt_bridge_keeps_its_claims(steps: list[tuple[str, int]], failing: tuple[type, ...]):
    """Also while looks, or reports, fail all the time."""
    world = World()
    world.queue.deadline += timedelta(days=3)
    world.sweep_pending()
    for action, n in steps:
        if action != "wait":
            _step(world, action, n)
        for _ in range(40):
            world.wait(30)
            world.sweep_pending()
            if Look not in failing:
                world.sweep_statuses()
            world.sweep_states()
            for number in list(world.rows):
                world.settle(number, failing)
    assert "claim-expired" not in [run.reason_resolved for run in world.queue.runs]


def test_the_plain_way_is_one_request_one_claim_one_completion():
    world = World()
    world.sweep_pending()
    world.heal()
    assert [run.reason_resolved for run in world.queue.runs] == ["completed"]
    assert list(world.buildbot.requests) == [0]
    assert isinstance(world.rows[RunId(0)].phase, Settled)
    assert world.queue.runs[-1].state not in OPEN
