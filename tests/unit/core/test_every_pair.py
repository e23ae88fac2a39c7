"""Every phase meets every event, and each meeting has a stated outcome.

`=` the row stays exactly as it was, `~` it learns something within its phase, a name is the phase that it enters.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.core import lifecycle
from bridge.core.events import (
    Asking,
    Attached,
    CancelAsked,
    Claimed,
    Deferred,
    Doubted,
    Event,
    HeldBack,
    Hinted,
    Inadmissible,
    Incomplete,
    Reprioritised,
    RequestMissing,
    Submitted,
    TaskMissing,
    Urged,
)
from bridge.core.lifecycle import advance
from bridge.core.run import Request, Run, RunId
from bridge.core.verdict import RETRIED
from tests.unit.core.samples import (
    AT,
    BUILDING,
    CLAIM,
    CLAIMED,
    OTHER,
    QUEUED,
    REFUSED,
    REPORTING,
    REQUEST,
    RULES,
    SETTLED,
    STOPPING,
    TASK,
    WANTED,
    a_run,
    after,
    build,
    resolved,
    run_status,
    running,
    seen,
    told,
)

PHASES = {
    "Wanted": WANTED,
    "Wanted, asked": replace(WANTED, asked=True),
    "Queued": QUEUED,
    "Building": BUILDING,
    "Building, claimed": CLAIMED,
    "Reporting": REPORTING,
    "Reporting, retried": replace(REPORTING, verdict=RETRIED),
    "Refused": REFUSED,
    "Stopping": STOPPING,
    "Stopping, asked": replace(STOPPING, request=None),
    "Settled": SETTLED,
}

EVENTS: dict[str, Event] = {
    "hinted": Hinted(after(1)),
    "urged": Urged(after(1)),
    "pending": seen(run_status()),
    "running as ours": seen(running(until=CLAIM.taken_until + timedelta(seconds=1))),
    "running as another's": seen(running(OTHER)),
    "running, nobody named": seen(run_status("running")),
    "canceled": seen(resolved("canceled")),
    "completed": seen(resolved("completed")),
    "not shown": seen(),
    "absent once": TaskMissing(AT, after(5)),
    "open, no build": told(),
    "build running": told(build()),
    "build ended RETRY": told(build(results=5)),
    "newer build": told(build(results=5), build(71)),
    "request complete": told(build(results=0), results=0),
    "another's number": told(build(), key="0123456789abcdefABCDEF/0"),
    "another request": told(build(8), request=8, key="0123456789abcdefABCDEF/0"),
    "request missing": RequestMissing(AT, after(60), RULES),
    "asking": Asking(AT, "release-linux"),
    "submitted": Submitted(AT, REQUEST, "release-linux", "low"),
    "held back": HeldBack(AT, after(5), "no room", asked=False),
    "inadmissible": Inadmissible(AT, "no such builder", RULES),
    "claimed": Claimed(AT, CLAIM.taken_until),
    "doubted": Doubted(AT, after(5)),
    "deferred": Deferred(AT, after(5)),
    "reprioritised": Reprioritised(AT, "high"),
    "cancel asked": CancelAsked(AT, after(10)),
    "attached": Attached(AT),
    "incomplete": Incomplete(AT, "a file is missing"),
}

OUTCOMES = """
event                | Wanted    | Wanted, asked | Queued    | Building  | Building, claimed | Reporting | Reporting, retried | Refused | Stopping | Stopping, asked | Settled
hinted               | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
urged                | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
pending              | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
running as ours      | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
running as another's | Settled   | Stopping      | Stopping  | Stopping  | Stopping          | Settled   | Stopping           | Settled | ~        | ~               | =
running, nobody named| ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
canceled             | Settled   | Stopping      | Stopping  | Stopping  | Stopping          | Settled   | Stopping           | Settled | ~        | ~               | =
completed            | Settled   | Stopping      | Stopping  | Stopping  | Stopping          | Settled   | Stopping           | Settled | ~        | ~               | =
not shown            | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
absent once          | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
open, no build       | Queued    | Queued        | =         | =         | =                 | =         | =                  | =       | =        | ~               | =
build running        | Building  | Building      | Building  | =         | =                 | =         | =                  | =       | =        | ~               | =
build ended RETRY    | Queued    | Queued        | =         | Queued    | Reporting         | =         | =                  | =       | =        | ~               | =
newer build          | Building  | Building      | Building  | ~         | Reporting         | =         | =                  | =       | =        | ~               | =
request complete     | Reporting | Reporting     | Reporting | Reporting | Reporting         | =         | =                  | =       | Settled  | Settled         | =
another's number     | =         | =             | ~         | ~         | ~                 | =         | =                  | =       | Settled  | =               | =
another request      | =         | =             | =         | =         | =                 | =         | =                  | =       | =        | =               | =
request missing      | =         | ~             | ~         | ~         | ~                 | =         | =                  | =       | ~        | Settled         | =
asking               | ~         | =             | =         | =         | =                 | =         | =                  | =       | =        | =               | =
submitted            | Queued    | Queued        | =         | =         | =                 | =         | =                  | =       | =        | ~               | =
held back            | ~         | ~             | =         | =         | =                 | =         | =                  | =       | =        | =               | =
inadmissible         | Refused   | Refused       | =         | =         | =                 | =         | =                  | =       | =        | =               | =
claimed              | =         | =             | =         | ~         | =                 | =         | =                  | ~       | =        | =               | =
doubted              | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
deferred             | ~         | ~             | ~         | ~         | ~                 | ~         | ~                  | ~       | ~        | ~               | =
reprioritised        | =         | =             | ~         | =         | =                 | =         | =                  | =       | =        | =               | =
cancel asked         | =         | =             | =         | =         | =                 | =         | =                  | =       | ~        | ~               | =
attached             | =         | =             | =         | =         | =                 | =         | =                  | =       | Settled  | Settled         | =
incomplete           | =         | =             | =         | =         | =                 | ~         | =                  | =       | =        | =               | =
"""


def _cells() -> Iterator[tuple[str, str, str]]:
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in OUTCOMES.strip().splitlines()]
    for event, *cells in lines:
        for phase, outcome in zip(header[1:], cells, strict=True):
            yield phase, event, outcome


def _outcome(before: Run, now: Run) -> str:
    if now == before:
        return "="
    return "~" if type(now.phase) is type(before.phase) else type(now.phase).__name__


def test_the_table_names_every_pair():
    assert {(phase, event) for phase, event, _ in _cells()} == {(p, e) for p in PHASES for e in EVENTS}


@pytest.mark.parametrize(("phase", "event", "outcome"), list(_cells()))
def test_each_meeting_has_its_outcome(phase: str, event: str, outcome: str):
    run = a_run(PHASES[phase], look_at=AT)
    assert _outcome(run, advance(run, EVENTS[event])) == outcome


def _moves() -> dict[str, set[str]]:
    """What `advance` does with every pair, and with a request that a master stop ended before it was taken over."""
    adopted = replace(QUEUED, request=Request(REQUEST.id, RunId(9)))
    stopped = told(build(results=6), results=6, key=f"{TASK}/9", master_shutdown=True)
    moves: dict[str, set[str]] = {type(phase).__name__: set() for phase in PHASES.values()}
    for phase in (*PHASES.values(), adopted):
        for event in (*EVENTS.values(), stopped):
            moves[type(phase).__name__].add(type(advance(a_run(phase), event).phase).__name__)
    return {phase: reached - {phase} for phase, reached in moves.items()}


def test_the_diagram_is_what_advance_does():
    lines = re.findall(r"^    (\w+) >(.*)$", lifecycle.__doc__ or "", re.MULTILINE)
    diagram = {phase: {name.strip() for name in reached.split(",") if name.strip()} for phase, reached in lines}
    assert diagram == _moves()
