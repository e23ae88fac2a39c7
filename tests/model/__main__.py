"""`python -m tests.model --states N [--workers 2] [--config NAME]`: the check; its last line is JSON, its exit says how it went."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from tests.model.configs import CONFIGS, Config
from tests.model.search import Found, search
from tests.model.space import Space


def main() -> int:
    """Search every configuration, or one; 1 where a violation was found."""
    asked = _arguments()
    chosen = [config for config in CONFIGS if asked.config in (None, config.name)]
    began = time.monotonic()
    found = []
    for config, result in zip(chosen, _searched(chosen, _shares(chosen, asked.states), asked.workers), strict=True):
        _tell(config, result)
        found.append(result)
    print(json.dumps(_summary(chosen, found, time.monotonic() - began)))
    return int(any(result.violations for result in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.model", description="Explicit-state check of the core and the engine."
    )
    parser.add_argument("--states", type=int, default=300_000, help="states to see in all, at most")
    parser.add_argument("--workers", type=int, default=2, help="processes; each takes one configuration after the other")
    parser.add_argument("--config", choices=[config.name for config in CONFIGS], help="this configuration only")
    return parser.parse_args()


def _shares(chosen: list[Config], states: int) -> list[int]:
    """How many states each may have: by its share, and what the small ones leave goes to the others."""
    shares = []
    left, weight = states, sum(config.share for config in chosen)
    for config in sorted(chosen, key=lambda config: config.size or states):
        given = left * config.share // weight
        given = min(given, config.size) if config.size else given
        shares.append((chosen.index(config), given))
        left, weight = left - given, weight - config.share
    return [given for _, given in sorted(shares)]


def _searched(chosen: list[Config], shares: list[int], workers: int) -> Iterator[Found]:
    """What each search came to, in the order of the configurations, as soon as it is known."""
    if workers == 1:
        yield from map(_search, chosen, shares)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_search, chosen, shares)


def _search(config: Config, states: int) -> Found:
    return search(Space(config), states)


def _tell(config: Config, found: Found) -> None:
    how = "all its states" if found.complete else "a part of its states"
    print(f"{config.name}: {config.covers}")
    print(
        f"  {how}: {found.states} states, {found.transitions} transitions, depth {found.depth}, {found.seconds:.1f} CPU s",
        flush=True,
    )
    for way in found.violations:
        print("  violated:", *way, sep="\n    ")


def _summary(chosen: list[Config], found: list[Found], seconds: float) -> dict[str, object]:
    cpu = sum(result.seconds for result in found)
    states = sum(result.states for result in found)
    return {
        "states": states,
        "transitions": sum(result.transitions for result in found),
        "depth": max(result.depth for result in found),
        "violations": sum(len(result.violations) for result in found),
        "converged": sum(result.converged for result in found),
        "states_per_cpu_second": round(states / max(cpu, 1e-9)),
        "seconds": round(seconds, 1),
        "complete": all(result.complete for result in found),
        "configs": {
            config.name: {key: value for key, value in asdict(result).items() if key != "violations"}
            for config, result in zip(chosen, found, strict=True)
        },
    }


if __name__ == "__main__":
    sys.exit(main())
