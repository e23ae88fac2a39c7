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
    `request`: the result of the build request made for it, or `open`, or `none`; None: whoever looked on cannot tell.
    """

    phases: tuple[str, ...] = ()
    state: str = "pending"
    reason: str | None = None
    calls: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()
    log: str = ""
    request: str | None = None

    @property
    def ends(self) -> str:
        """The reason of its resolution, else its state."""
        return self.reason or self.state


@dataclass(frozen=True, slots=True)
class Witness:
    """A task as it went. None: whoever looked on cannot tell. `builds`: results, oldest first, or `running`.

    `reads`: calls that change nothing.
    """

    runs: Mapping[int, SeenRun] = field(default_factory=dict)
    requests: int | None = 0
    builds: tuple[str, ...] | None = ()
    retries_left: int | None = None
    alarms: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()


def differences(expected: Expected, seen: Witness) -> list[str]:
    """Every expectation that the task does not meet, in words; empty where it meets them all."""
    return [*_of_task(expected, seen), *(each for run in expected.runs for each in _of_run(run, expected, seen))]


def _of_task(expected: Expected, seen: Witness) -> Iterator[str]:
    if expected.runs and (unexpected := sorted({*seen.runs} - {*expected.runs})):
        yield f"there are runs that were not expected: {_list([str(number) for number in unexpected])}"
    yield from _numbers(expected, seen)
    made = {call for run in seen.runs.values() for call in run.calls} | seen.reads
    for call in expected.never:
        if call in made:
            yield f"{call} was called, which must never be"
    if expected.alarms is not None and (wrong := {*expected.alarms} ^ {*seen.alarms}):
        listed = f"expected {_list(expected.alarms)}, there were {_list(seen.alarms)}"
        yield f"alarms: {listed} (differing: {_list(sorted(wrong))})"


def _numbers(expected: Expected, seen: Witness) -> Iterator[str]:
    for name in ("requests", "retries_left"):
        wanted, found = getattr(expected, name), getattr(seen, name)
        if wanted is not None and found is not None and wanted != found:
            yield f"{name.replace('_', ' ')}: expected {wanted}, there are {found}"
    match expected.builds, seen.builds:
        case int() as wanted, tuple() as found if wanted != len(found):
            yield f"builds: expected {wanted}, there are {len(found)}"
        case tuple() as wanted, tuple() as found if wanted != found:
            yield f"builds: expected {_list(wanted)}, they ended {_list(found)}"
    for call, wanted in expected.times.items():
        made = sum(run.calls.count(call) for run in seen.runs.values())
        if made != wanted:
            yield f"{call}: expected to be called {wanted} times, it was {made} times"


def _of_run(number: int, expected: Expected, task: Witness) -> Iterator[str]:
    wanted, seen = expected.runs[number], task.runs.get(number)
    if seen is None:
        yield f"run {number}: there is no such run"
        return
    if wanted.ends is not None and wanted.ends != seen.ends:
        yield f"run {number}: expected to end as {wanted.ends}, it is {seen.ends}"
    if None not in (wanted.request, seen.request) and wanted.request != seen.request:
        yield f"run {number}: its build request is expected to be {wanted.request}, it is {seen.request}"
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
    for call, least in step.made.items():
        if run.calls.count(call) < least:
            wrong.append(f"run {step.run}: expected at least {least} {call} by now, there were {run.calls.count(call)}")
    if step.alarm is not None and step.alarm not in seen.alarms:
        wrong.append(f"expected alarm {step.alarm}, there were {_list(seen.alarms)}")
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
