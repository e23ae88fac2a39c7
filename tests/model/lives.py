"""The plain lives from which a search starts: every state on their way is a beginning, so that it is broad and deep at once."""

from collections.abc import Iterator

from tests.model.space import Space, Step
from tests.model.states import A_U, M_U

_LONGEST = 400


def ways(space: Space) -> list[list[int]]:
    """The states of each life of the configuration, in order; each starts where everything starts."""
    return [list(_way(space, life)) for life in space.config.lives]


def _way(space: Space, life: tuple[str, ...]) -> Iterator[int]:
    """What happens is given; what the bridge does in between, it does without a fault, at once, and hinted at."""
    state, events, hinted = space.first(), list(life), set[str]()
    yield state
    for _ in range(_LONGEST):
        steps = space.following(state)
        step = _own(state, steps) or _hint(steps, hinted)
        if step is None and not events:
            return
        if step is None:
            step = _event(steps, events.pop(0))
            hinted.clear()
        state = step.state
        yield state
    raise AssertionError(f"the life {life} has no end")


def _own(state: int, steps: list[Step]) -> Step | None:
    """What the bridge does by itself: go on with what it does, make rows, take rows."""
    free = [step for step in steps if step.state >= 0 and step.state >> A_U & M_U == state >> A_U & M_U]
    mine = [step for step in free if step.by >= 0 and "the sweep of" not in step.label]
    rows = [step for step in free if "gets a row" in step.label]
    going_on = [step for step in mine if not step.label.startswith("takes")]
    return next(iter((*going_on, *rows, *mine)), None)


def _hint(steps: list[Step], hinted: set[str]) -> Step | None:
    step = next((step for step in steps if "hints at" in step.label and step.label not in hinted), None)
    hinted |= {step.label} if step else set()
    return step


def _event(steps: list[Step], words: str) -> Step:
    found = [step for step in steps if words in step.label]
    assert found, f"nothing like {words!r} among {[step.label for step in steps]}"
    return found[0]
