"""`python -m tests.mutants.trial NAME`: one mutant before its checkers, in a process of its own. Its last line is JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict

from tests.mutants.catalogue import MUTANTS
from tests.mutants.hook import install
from tests.mutants.mutant import Mutant


def main() -> int:
    """Try the mutant; 1 if it survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.trial")
    parser.add_argument("name", choices=sorted(MUTANTS))
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--states", type=int, default=60_000)
    given = parser.parse_args()
    began = time.monotonic()
    told = _tried(MUTANTS[given.name], given)
    print(json.dumps({"mutant": given.name, **told, "seconds": round(time.monotonic() - began, 1)}))
    return 0 if told["killed"] else 1


def _tried(mutant: Mutant, given: argparse.Namespace) -> dict[str, object]:
    install(mutant)
    from tests.mutants import checkers

    searches: list[Callable[[], checkers.Tried]] = []
    if mutant.config:
        searches += [lambda: checkers.model([mutant.config], given.states)]
    searches += [lambda: checkers.canon(mutant.first)]
    if "model" in mutant.by:
        searches += [lambda: checkers.model([], given.states)]
    searches += [lambda: checkers.simulation(given.schedules, given.seed)]
    tries = []
    for search in searches:
        kill, tried = search()
        if kill is not None:
            return {"killed": True, **asdict(kill)}
        tries.append(tried)
    return {"killed": False, "tries": tries}


if __name__ == "__main__":
    raise SystemExit(main())
