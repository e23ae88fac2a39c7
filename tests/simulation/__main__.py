"""`python -m tests.simulation --schedules N --seed S`: lives schedules through and says what was wrong in them.

The last line is one JSON object; the exit status is 1 if anything was wrong. Its `steps` are the calls that could fail;
`idle_steps` of them looked for due rows, found none, and were lived without the payer (`tests.simulation.idle`).
`--replay NAME` lives one schedule through again, and prints its history. `--part K/P` lives every P-th of the schedules
through, from the K-th on: a million are more than one sitting.
"""

import argparse
import gc
import hashlib
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn

import structlog

from tests.simulation.catalogue import Catalogue, Schedule, replayed
from tests.simulation.services import Coverage
from tests.simulation.world import Line, Result

_CHUNK = 100
_TOLD = 10  # violating schedules of which the history is printed
_LINES = 160


@dataclass(slots=True)
class Tally:
    """What some schedules came to."""

    schedules: int = 0
    calls: int = 0
    idle: int = 0
    cpu: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    sorts: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    violations: list[tuple[str, list[str], list[Line]]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.schedules += other.schedules
        self.calls += other.calls
        self.idle += other.idle
        self.cpu += other.cpu
        self.faults += other.faults
        self.sorts += other.sorts
        self.coverage.pairs |= other.coverage.pairs
        self.coverage.commands += other.coverage.commands
        self.coverage.alarms += other.coverage.alarms
        self.violations += other.violations


def lived(schedule: Schedule, coverage: Coverage) -> Result:
    """Live one schedule through."""
    return schedule.world(coverage).run()


def digest(history: Sequence[Line]) -> str:
    """A name for a history: equal only for equal ones."""
    return hashlib.sha256("\n".join(map(repr, history)).encode()).hexdigest()[:16]


def work(names: Sequence[str]) -> Tally:
    """Live some schedules through."""
    tally, started = Tally(), time.process_time()
    for name in names:
        result = lived(replayed(name), tally.coverage)
        tally.schedules += 1
        tally.calls += result.calls
        tally.idle += result.idle
        tally.faults.update(result.faults)
        tally.sorts[name.partition("/")[0]] += 1
        if result.violations:
            tally.violations.append((name, result.violations, result.history))
    tally.cpu = time.process_time() - started
    return tally


def _chunks(names: Iterable[str]) -> Iterable[list[str]]:
    left = iter(names)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _run(names: Iterable[str], workers: int) -> Tally:
    total = Tally()
    gc.disable()  # a schedule is one knot of garbage: its process ends before that is too much, which is cheaper
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=1) as pool:
        for tally in pool.imap_unordered(work, _chunks(names)):
            total.add(tally)
    return total


def shown(history: Sequence[Line]) -> str:
    """A history for people: long ones without their middle."""
    lines = [f"  {at:10.3f}  {who:24} {what:18} {detail}" for at, who, what, detail in history]
    half = _LINES // 2
    if len(lines) > _LINES:
        lines = [*lines[:half], f"  … {len(lines) - _LINES} lines …", *lines[-half:]]
    return "\n".join(lines)


def _tell(violations: Sequence[tuple[str, list[str], list[Line]]]) -> None:
    for name, wrong, history in sorted(violations, key=lambda each: (len(each[2]), each[0]))[:_TOLD]:
        print(f"VIOLATION in {name!r}")
        print("\n".join(f"  {each}" for each in wrong))
        print(shown(history))
    for name, wrong, _ in violations[_TOLD:]:
        print(f"VIOLATION in {name!r}: {wrong[0]}")


def part(text: str) -> tuple[int, int]:
    """What `--part` says: the part's number from 1, and how many parts there are."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part: write 1/50 for the first of fifty")
    return int(number), int(parts)


def _summary(total: Tally, catalogue: Catalogue, seconds: float, seed: int) -> dict[str, object]:
    coverage = {
        "phase_event_pairs": len(total.coverage.pairs),
        "commands": dict(sorted(total.coverage.commands.items())),
        "alarms": dict(sorted(total.coverage.alarms.items())),
        "faults": dict(sorted(total.faults.items())),
        "scenarios": len(catalogue.scenarios),
        "singles": [total.sorts["single"], catalogue.singles],
        "pairs": [total.sorts["pair"], catalogue.pairs],
        "random": total.sorts["random"],
    }
    return {
        "schedules": total.schedules,
        "steps": total.calls,
        "idle_steps": total.idle,
        "violations": len(total.violations),
        "coverage": coverage,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(total.cpu, 2),
        "schedules_per_cpu_second": round(total.schedules / total.cpu, 1) if total.cpu else 0,
        "steps_per_cpu_second": round(total.calls / total.cpu) if total.cpu else 0,
        "seed": seed,
    }


def _silent(_logger: object, _method: str, _event: object) -> NoReturn:
    raise structlog.DropEvent  # what the services log stands in the history, as far as it matters


def _replay(name: str) -> int:
    result = lived(replayed(name), Coverage())
    print(shown(result.history) if len(result.history) < 4000 else "")
    print("\n".join(result.violations))
    told = {"schedule": name, "violations": len(result.violations), "steps": result.calls, "digest": digest(result.history)}
    print(json.dumps(told))
    return 1 if result.violations else 0


def main(arguments: Sequence[str]) -> int:
    """Run as the arguments say; the exit status."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", metavar="K/P", type=part, default=(1, 1))
    parser.add_argument("--replay", metavar="NAME")
    given = parser.parse_args(arguments)
    structlog.configure(processors=[_silent])
    if given.replay is not None:
        return _replay(given.replay)
    started = time.monotonic()
    catalogue = Catalogue()
    number, parts = given.part
    total = _run(catalogue.names(given.schedules, given.seed, *given.part), given.workers)
    _tell(total.violations)
    print(json.dumps(_summary(total, catalogue, time.monotonic() - started, given.seed) | {"part": f"{number}/{parts}"}))
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
