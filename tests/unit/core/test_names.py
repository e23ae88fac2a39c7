"""Names that both sides accept: worker identities, priorities, keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.identity import worker_for
from bridge.core.run import RunId, RunKey, TaskId, Worker, claim_of, request_of
from bridge.core.status import buildbot_priority, is_last, run_in, taskcluster_priority
from tests.unit.core.samples import (
    CLAIM,
    CLAIMED,
    REFUSED,
    REQUEST,
    SETTLED,
    STOPPING,
    WANTED,
    a_run,
    build,
    run_status,
    state,
    task,
)

names = st.text(max_size=50)


@given(names)
def test_every_buildbot_worker_has_an_identity_that_taskcluster_accepts(name: str):
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,38}", worker_for("g", name).id)


@given(names, names)
def test_two_workers_never_share_an_identity(one: str, other: str):
    assert one == other or worker_for("g", one) != worker_for("g", other)


@given(st.text("abcXYZ019_-", min_size=1, max_size=38))
def test_a_name_that_taskcluster_accepts_stays_as_it_is(name: str):
    assert worker_for("g", name) == Worker("g", name)


def test_a_lone_surrogate_in_a_name_is_no_obstacle():
    assert worker_for("g", "\ud800").id.startswith("--")


def test_names_that_differ_only_in_what_is_replaced_or_cut_stay_different():
    assert worker_for("g", "mac.1") != worker_for("g", "mac:1")
    assert worker_for("g", "x" * 39) != worker_for("g", "x" * 40)
    assert worker_for("g", "mac.1").id.startswith("mac-1-")


def test_taskclusters_order_of_priorities_is_buildbots():
    order = ["highest", "very-high", "high", "medium", "low", "very-low", "lowest"]
    assert [buildbot_priority(name) for name in order] == [6, 5, 4, 3, 2, 1, 0]
    assert buildbot_priority("normal") == buildbot_priority("unheard of") == 0


@given(st.integers(-3, 9))
def test_a_priority_read_back_is_the_one_that_was_given(priority: int):
    name = taskcluster_priority(priority)
    assert (name is None) == (priority not in range(7))
    assert name is None or buildbot_priority(name) == priority


def test_a_run_is_named_by_task_and_number():
    assert str(RunKey(TaskId("abc"), RunId(3))) == "abc/3"


def test_a_status_knows_its_runs_by_number():
    status = task(run_status(), run_status("running"))
    assert run_in(status, RunId(1)) == run_status("running")
    assert run_in(status, RunId(2)) is None
    assert run_in(status, RunId(-1)) is None
    assert is_last(status, RunId(1))
    assert not is_last(status, RunId(0))


@pytest.mark.parametrize("phase", [WANTED, REFUSED, STOPPING, SETTLED, CLAIMED])
def test_what_a_phase_holds(phase: object):
    held = phase in (STOPPING, SETTLED, CLAIMED)
    assert request_of(a_run(phase)) == (REQUEST if held else None)
    assert claim_of(a_run(phase)) == (CLAIM if phase == CLAIMED else None)


def test_the_newest_build_is_the_one_that_counts():
    assert state(build(1), build(2)).newest == build(2)
    assert state().newest is None
