"""Breadth-first through the states of one configuration."""

import time
from dataclasses import dataclass, field
from itertools import pairwise

from tests.model.continuation import Continuation
from tests.model.space import Space


@dataclass
class Found:
    """What a search came to. `complete`: all states were seen; else it ended at its number of states."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    converged: int = 0
    violations: list[list[str]] = field(default_factory=list)
    complete: bool = False
    seconds: float = 0.0


def search(space: Space, most: int) -> Found:
    """Search until a violation is found, `most` states are seen, or there are no more."""
    found, began, continuation = Found(), time.process_time(), Continuation(space)
    first = space.first()
    parents: dict[int, int] = {first: -1}
    level = [first]
    while level and not found.violations and len(parents) < most:
        level = _next(continuation, level, parents, found, most)
        found.depth += bool(level)
    found.states, found.complete = len(parents), not level and not found.violations
    found.seconds = time.process_time() - began
    return found


def _next(continuation: Continuation, level: list[int], parents: dict[int, int], found: Found, most: int) -> list[int]:
    following: list[int] = []
    space = continuation.space
    for state in level:
        steps = space.following(state)
        found.transitions += len(steps)
        for step in steps:
            if step.wrong is not None:
                found.violations.append(trace(space, parents, state, [step.label, step.wrong]))
                return []
            if step.state not in parents:
                parents[step.state] = state
                if unfit := space.wrong(step.state):
                    found.violations.append(trace(space, parents, state, [step.label, unfit]))
                    return []
                if wrong := continuation.wrong(step.state):
                    found.violations.append(trace(space, parents, state, [step.label, "and now without a fault:", *wrong]))
                    return []
                found.converged += 1
                following.append(step.state)
        if len(parents) >= most:
            return following
    return following


def trace(space: Space, parents: dict[int, int], state: int, end: list[str]) -> list[str]:
    """The shortest way from the start to the state, in words, and its end."""
    way = [state]
    while parents[way[-1]] != -1:
        way.append(parents[way[-1]])
    way.reverse()
    words = [next(step.label for step in space.following(a) if step.state == b) for a, b in pairwise(way)]
    return [f"{n}. {word}" for n, word in enumerate([*words, *end], 1)]
