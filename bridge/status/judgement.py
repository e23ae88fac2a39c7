"""Whether the bridge is healthy, in one word, and what to do if not. Pure: what was read comes in, a judgement goes out.

`ill`: runs suffer or soon will. `look`: something a person should see by day. A run that waits because an operator or a full
builder has it wait is no illness of the bridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.core.deployment import unserved
from bridge.core.ledger import Letter, Oldest, Server, Swept
from bridge.status import answers
from bridge.stuck import CAUSES

LATE: Final = timedelta(minutes=1)
CLAIM_ENDS: Final = timedelta(minutes=5)
RECENT: Final = timedelta(days=1)
"""A message that could not be read is news for so long."""
GONE: Final = timedelta(hours=1)
"""Likewise a process that left without a word."""
_PATIENT: Final = frozenset({"builder_full", "stopped", "waits_for_worker"})
_ORDER: Final = ("ill", "look")
Problem = answers.Problem


@dataclass(frozen=True, slots=True)
class Signs:
    """What a judgement is made of. `stuck`: causes of stuck runs, one entry a run and cause; `more`: there are others."""

    servers: Sequence[Server]
    runs: Mapping[tuple[str, str], int]
    oldest: Oldest
    sweeps: Sequence[Swept]
    letters: Sequence[Letter]
    stuck: Sequence[str]
    more: bool


def judged(signs: Signs, now: datetime) -> answers.Health:
    """The judgement: the worst of all problems, and all problems, the worst first."""
    found = [*_serving(signs), *_lateness(signs.oldest, now), *_stuck(signs), *_leavings(signs, now)]
    problems = sorted(found, key=lambda problem: _ORDER.index(problem.severity))
    return answers.Health(state=problems[0].severity if problems else "well", problems=problems)


def _serving(signs: Signs) -> Iterator[Problem]:
    alive = [server for server in signs.servers if server.alive]
    if not alive:
        mend = "Start the services: taskcluster-listener, buildbot-listener and reflector, or `bbb all`."
        yield Problem(name="nobody_serves", severity="ill", what="No service shows life.", mend=mend)
    elif not any(server.service == "reflector" for server in alive):
        mend = "Start a reflector: without one claims run out and nothing is swept."
        yield Problem(name="no_reflector", severity="ill", what="No reflector shows life.", mend=mend)
    left = unserved(signs.runs, frozenset(pool for server in alive for pool in server.pools))
    if alive and left:
        what = f"Nobody serves the runs of {_listed(left)}."
        mend = "Put the pool back into the settings of the services, or start those that have it."
        yield Problem(name="pool_unserved", severity="ill", what=what, mend=mend)


def _lateness(oldest: Oldest, now: datetime) -> Iterator[Problem]:
    if oldest.due is not None and now - oldest.due > LATE:
        mend = "Look at the services' log lines `debt_unpaid`, run `bbb doctor`; start more reflectors if all is reachable."
        yield Problem(name="late", severity="ill", what="Something has been due for more than a minute.", mend=mend)
    if oldest.first_claim_ends is not None and oldest.first_claim_ends <= now:
        mend = "The task's next run takes the build over. See that a reflector runs, and what `bbb doctor` says."
        yield Problem(name="claim_over", severity="ill", what="A claim has ended without being renewed.", mend=mend)
    elif oldest.first_claim_ends is not None and oldest.first_claim_ends - now < CLAIM_ENDS:
        mend = "Claims are renewed earlier than that: see that a reflector runs, and what `bbb doctor` says."
        yield Problem(name="claim_ends_soon", severity="ill", what="A claim ends within five minutes.", mend=mend)


def _stuck(signs: Signs) -> Iterator[Problem]:
    for name in CAUSES:
        count = sum(cause == name for cause in signs.stuck)
        if count and name != "pool_unserved":
            severity: answers.Severity = "look" if name in _PATIENT else "ill"
            runs = f"{count} or more runs" if signs.more else f"{count} run{'' if count == 1 else 's'}"
            what = f"{runs}: {CAUSES[name].what}"
            yield Problem(name=f"stuck_{name}", severity=severity, what=what, mend=CAUSES[name].mend)


def _leavings(signs: Signs, now: datetime) -> Iterator[Problem]:
    gone = [server.name for server in signs.servers if not server.alive and now - server.seen_at < GONE]
    if gone:
        what = f"No sign of life from {_listed(gone)}, and no good-bye."
        mend = "See whether the process was killed or cannot reach the database; others have taken its runs over."
        yield Problem(name="process_gone", severity="look", what=what, mend=mend)
    failed = [sweep for sweep in signs.sweeps if sweep.fault is not None]
    if failed:
        what = f"The last sweep failed: {_listed(each.name for each in failed)}."
        mend = "The table of sweeps has the error; `bbb doctor` tells whether both sides can be reached."
        yield Problem(name="sweep_failed", severity="look", what=what, mend=mend)
    if any(now - letter.at < RECENT for letter in signs.letters):
        mend = "See below what they say: `bbb deadletter replay N` reads one again, `bbb deadletter drop N` forgets it."
        yield Problem(name="dead_letters", severity="look", what="Messages came that could not be read.", mend=mend)


def _listed(names: Iterable[str]) -> str:
    known = sorted(set(names))
    return ", ".join(known[:5]) + (f" and {len(known) - 5} more" if len(known) > 5 else "")
