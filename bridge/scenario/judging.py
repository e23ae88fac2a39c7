"""What was seen against what was expected, whoever saw it: a play, or real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.scenario.document import Expected, ExpectedRun
from bridge.scenario.steps import OfCheck


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run as it went: its phases in order, Taskcluster's state and reason, calls that change something, its log.

    `phases` empty: the bridge never had a row for it. `owes`: what it owes now or later. `reason` None: not resolved.
    """

    phases: tuple[str, ...] = ()
    state: str = "pending"
    reason: str | None = None
    calls: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()
    log: str = ""

    @property
    def ends(self) -> str:
        """The reason of its resolution, else its state."""
        return self.reason or self.state


@dataclass(frozen=True, slots=True)
class Witness:
    """A task as it went. None: whoever looked on cannot tell. `reads`: calls that change nothing."""

    runs: Mapping[int, SeenRun] = field(default_factory=dict)
    requests: int | None = 0
    builds: int | None = 0
    retries_left: int | None = None
    alarms: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()


def differences(expected: Expected, seen: Witness) -> list[str]:
    """Every expectation that the task does not meet, in words; empty where it meets them all."""
    return [*_of_task(expected, seen), *(each for run in expected.runs for each in _of_run(run, expected, seen))]


def _of_task(expected: Expected, seen: Witness) -> Iterator[str]:
    if expected.runs and (unexpected := sorted({*seen.runs} - {*expected.runs})):
        yield f"there are runs that were not expected: {_list([str(number) for number in unexpected])}"
    for name in ("requests", "builds", "retries_left"):
        wanted, found = getattr(expected, name), getattr(seen, name)
        if wanted is not None and found is not None and wanted != found:
            yield f"{name.replace('_', ' ')}: expected {wanted}, there are {found}"
    made = {call for run in seen.runs.values() for call in run.calls} | seen.reads
    for call in expected.never:
        if call in made:
            yield f"{call} was called, which must never be"
    if expected.alarms is not None and (wrong := {*expected.alarms} ^ {*seen.alarms}):
        listed = f"expected {_list(expected.alarms)}, there were {_list(seen.alarms)}"
        yield f"alarms: {listed} (differing: {_list(sorted(wrong))})"


def _of_run(number: int, expected: Expected, task: Witness) -> Iterator[str]:
    wanted, seen = expected.runs[number], task.runs.get(number)
    if seen is None:
        yield f"run {number}: there is no such run"
        return
    if wanted.ends is not None and wanted.ends != seen.ends:
        yield f"run {number}: expected to end as {wanted.ends}, it is {seen.ends}"
    yield from (f"run {number}: {each}" for each in _sequences(wanted, seen))
    for words in wanted.log:
        if words not in seen.log:
            yield f"run {number}: its log lacks {words!r}" + (f"; it reads {seen.log[-500:]!r}" if seen.log else "")


def _sequences(wanted: ExpectedRun, seen: SeenRun) -> Iterator[str]:
    if wanted.phases is not None and not fits(wanted.phases, seen.phases):
        yield f"expected phases {_arrows(wanted.phases)}, it went {_arrows(seen.phases)}"
    if wanted.calls is not None and not fits(wanted.calls, folded(seen.calls)):
        yield f"expected calls {_arrows(wanted.calls)}, there were {_arrows(folded(seen.calls))}"


def checked(step: OfCheck, seen: Witness) -> list[str]:
    """What is not so at this time, though the step says it is."""
    run = seen.runs.get(step.run)
    if run is None:
        return [f"run {step.run}: there is no such run"]
    phase = run.phases[-1] if run.phases else "without a row"
    found = {"phase": (step.phase, phase), "state": (step.state, run.state)}
    differing = {name: each for name, each in found.items() if each[0] not in (None, each[1])}
    wrong = [f"run {step.run}: {name} expected {want}, is {there}" for name, (want, there) in differing.items()]
    if step.owes is not None and step.owes not in run.owes:
        wrong.append(f"run {step.run}: expected to owe {step.owes}, it owes {_list(run.owes)}")
    return wrong


def fits(wanted: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether the names are the expected ones, in order; those in parentheses may be missing."""
    pattern = "".join(f"({name[1:-1]} )?" if name.startswith("(") else f"{name} " for name in wanted)
    return re.fullmatch(pattern, "".join(f"{name} " for name in seen)) is not None


def folded(names: Sequence[str]) -> tuple[str, ...]:
    """The names with repeats in a row counted once."""
    return tuple(name for place, name in enumerate(names) if place == 0 or names[place - 1] != name)


def _arrows(names: Sequence[str]) -> str:
    return " → ".join(names) or "(none)"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
