"""What the search once found: each way to it, step by step, and what is there now."""

from bridge.core.run import Stopping, Wanted
from tests.model.configs import CONFIGS
from tests.model.space import Space
from tests.model.states import A_R, M_R
from tests.model.values import Rows

NAMED = {config.name: config for config in CONFIGS}


def walked(name: str, *steps: str) -> Rows:
    """The rows at the end of a way; each step is named by a part of its words that only one step has."""
    space = Space(NAMED[name])
    state = space.first()
    for words in steps:
        after = {step.state for step in space.following(state) if words in step.label}
        assert len(after) == 1, (words, [step.label for step in space.following(state)])
        state = after.pop()
    return space.moves.rows[state >> A_R & M_R]


def test_a_submit_without_an_answer_is_remembered_so_that_a_cancel_ends_what_it_made():
    """The row forgot it: a cancel settled the run at once, and its request lived on until a sweep for strangers."""
    submitted = (
        "pending run 0",
        "owes RequestBuild",
        "queue.status(): 0 pending",
        "rows.change()",
        "buildbot.submit(0): takes effect, the answer is lost",
        "rows.change()",
    )
    assert walked("cancel", *submitted)[0].phase == Wanted(asked=True)
    cancelled = ("a person cancels", "hints at run 0", "owes Look", "queue.status(): 0 canceled", "rows.change()")
    assert isinstance(walked("cancel", *submitted, *cancelled)[0].phase, Stopping)
