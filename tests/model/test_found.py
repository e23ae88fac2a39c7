"""What the search once found: each way to it, step by step, and what is there now."""

from dataclasses import replace

import pytest

from bridge.core.run import Run, Stopping, Wanted
from tests.model import lives
from tests.model.configs import CONFIGS, RETRY, START
from tests.model.continuation import Continuation
from tests.model.ports import Call
from tests.model.replica import Replica
from tests.model.space import Space, needs_of
from tests.model.states import A_R, M_R

NAMED = {config.name: config for config in CONFIGS}


def beginning(name: str, life: tuple[str, ...]) -> tuple[Space, int]:
    """The end of a plain life."""
    space = Space(replace(NAMED[name], lives=(life,)))
    return space, lives.ways(space)[0][-1]


def walked(space: Space, state: int, *steps: str) -> int:
    """The state after some steps, each named by a part of its words that no other step has."""
    for words in steps:
        after = [step for step in space.following(state) if words in step.label]
        assert len({step.label for step in after}) == 1, (words, [step.label for step in space.following(state)])
        state = after[0].state
    return state


def rows(space: Space, state: int) -> tuple[Run, ...]:
    return space.moves.rows[state >> A_R & M_R]


def test_a_submit_without_an_answer_is_remembered_so_that_a_cancel_ends_what_it_made():
    """The row forgot it: a cancel settled the run at once, and its request lived on until a sweep for strangers."""
    space = Space(NAMED["cancel"])
    submitted = ("pending run 0", "owes RequestBuild", "queue.status(): 0 pending", "rows.change()")
    lost = ("buildbot.submit(0): takes effect, the answer is lost", "rows.change()")
    state = walked(space, space.first(), *submitted, *lost)
    assert rows(space, state)[0].phase == Wanted(asked=True)
    cancelled = ("a person cancels", "hints at run 0", "owes Look", "queue.status(): 0 canceled", "rows.change()")
    assert isinstance(rows(space, walked(space, state, *cancelled))[0].phase, Stopping)


def test_a_late_message_about_a_retried_run_does_not_hide_its_request_after_the_rows_were_lost():
    """Its new row settled, and nobody looked any more for the request that the run after it had taken over."""
    space, state = beginning("amnesia", (START, RETRY, START))
    state = walked(space, state, "the database fails", "tells of pending run 0")
    assert Continuation(space).wrong(state) == []


def test_no_second_build_where_a_row_was_set_back_to_before_its_submit_and_its_run_was_retried_since():
    """Run 1 asked for a build of its own while the request of run 0, which passes to it, was open."""
    space, state = beginning("amnesia", (START, RETRY))
    state = walked(space, state, "the database fails", "tells of pending run 0", "tells of pending run 1")
    assert Continuation(space).wrong(state) == []
    first = walked(space, state, "takes run 1, 1 Wanted, which owes RequestBuild")
    assert Continuation(space).wrong(first) == []


def test_no_build_is_asked_for_where_the_row_that_owed_it_is_lost_meanwhile():
    """The submit was sent for the run as it had been leased, though nothing of it was written down any more."""
    space = Space(NAMED["amnesia"])
    read = ("pending run 0", "owes RequestBuild", "queue.status(): 0 pending", "the database fails", "rows.change()")
    state = walked(space, space.first(), *read)
    assert not [step.label for step in space.following(state) if "buildbot" in step.label]


def test_no_second_build_where_the_row_whose_request_passes_to_the_run_is_lost_after_it_was_read():
    """Run 1 had seen that run 0 would hand its request on; then the row of run 0 was lost, and run 1 asked for a build."""
    space, state = beginning("amnesia", (START,))
    told = (
        "the build ends RETRY",
        "hints at run 0",
        "owes Look",
        "queue.status(): 0",
        "Taskcluster says",
        "request 100 open",
    )
    state = walked(space, state, *told, "Buildbot says", "0 Reporting, which owes Report")
    state = walked(space, state, *claimed_again(space, state), "0 intermittent-task, 1 pending", "pending run 1")
    read = walked(space, state, "1 Wanted, which owes RequestBuild", "queue.status(): 0", "rows.read()")
    lost = walked(space, read, "the database fails", "pending run 1")
    assert Continuation(space).wrong(lost) == []
    both = walked(space, read, "the database fails", "pending run 0", "pending run 1")
    assert Continuation(space).wrong(both) == []
    written = walked(space, lost, "found fit", "crashes")
    assert Continuation(space).wrong(written) == []


def claimed_again(space: Space, state: int) -> tuple[str, ...]:
    """A replica that holds no credentials claims before it reports."""
    asks = [step for step in space.following(state) if "queue.claim(0" in step.label]
    return ("our-bridge", "claimed until") if asks else ()


@pytest.mark.parametrize("name", ["state", "states", "find", "all", "submit", "cancel", "prioritise"])
def test_what_a_call_to_buildbot_leaves_depends_on_the_requests(name: str):
    """A change of priority was worked out once for all requests, and so set them back to those of the first time."""
    assert needs_of(Replica(call=Call("buildbot", name))) & 2
