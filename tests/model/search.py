"""Breadth-first through the states of one configuration."""

import time
from dataclasses import dataclass, field
from itertools import pairwise

from tests.model import lives
from tests.model.continuation import Continuation
from tests.model.space import Space, Step
from tests.model.states import A_P, M_P, M_S

_SHOWN = 60  # lines of a way's end


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
    parents: dict[int, int] = {}
    level = _beginnings(continuation, parents, found)
    while level and not found.violations and len(parents) < most:
        level = _next(continuation, level, parents, found, most)
        found.depth += bool(level)
    found.states, found.complete = len(parents), not level and not found.violations
    found.seconds = time.process_time() - began
    return found


def _beginnings(continuation: Continuation, parents: dict[int, int], found: Found) -> list[int]:
    """The states of the plain lives, each after the one before it."""
    for way in lives.ways(continuation.space):
        for before, state in zip([-1, *way], way, strict=False):
            if state in parents:
                continue
            if wrong := continuation.wrong(state):
                found.violations.append(trace(continuation.space, parents, before, Step("a plain life", state), wrong))
                return []
            parents[state] = before
            found.converged += 1
    return list(parents)


def _next(continuation: Continuation, level: list[int], parents: dict[int, int], found: Found, most: int) -> list[int]:
    following: list[int] = []
    space = continuation.space
    for state in level:
        steps = space.following(state)
        found.transitions += len(steps)
        for step in steps:
            if step.wrong is None and step.state in parents:
                continue
            if wrong := _wrong(continuation, step):
                found.violations.append(trace(space, parents, state, step, wrong))
                return []
            parents[step.state] = state
            found.converged += 1
            following.append(step.state)
        if len(parents) >= most:
            return following
    return following


def _wrong(continuation: Continuation, step: Step) -> list[str]:
    """What is wrong with the step, with the state it leads to, or with what follows from there without a fault."""
    if step.wrong is not None:
        return [step.wrong]
    if unfit := continuation.space.wrong(step.state):
        return [unfit]
    ends = continuation.wrong(step.state)
    return ["and now without a fault:", *ends] if ends else []


def trace(space: Space, parents: dict[int, int], state: int, last: Step, end: list[str]) -> list[str]:
    """The shortest way from a plain life to the state, in words, the last step, and its end."""
    way = []
    while state != -1:
        way.append(state)
        state = parents[state]
    way.reverse()
    steps = [next(step for step in space.following(a) if step.state == b) for a, b in pairwise(way)]
    return [f"{n}. {word}" for n, word in enumerate([*_named([*steps, last][: len(way)], way), *_short(end)], 1)]


def _named(steps: list[Step], way: list[int]) -> list[str]:
    """The steps in words, with names for the replicas: in the states these are in the order of their numbers."""
    names, words = ["A", "B"], []
    for step, before in zip(steps, way, strict=True):
        words.append(f"{names[step.by]}: {step.label}" if step.by >= 0 else step.label)
        other = (before & M_S, before >> A_P & M_P)[step.by]
        after = (step.state >> A_P & M_P, step.state & M_S)
        if step.by >= 0 and after[step.by] == other != after[1 - step.by]:
            names.reverse()
    return words


def _short(end: list[str]) -> list[str]:
    return end if len(end) <= _SHOWN else [*end[: _SHOWN - 20], "…", *end[-19:]]
