"""`python -m tests.mutants [--only NAME]…`: tries every mutant; the last line is JSON, the exit is 1 if one survives."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from tests.mutants.catalogue import MUTANTS


def main() -> int:
    """Try the mutants, `workers` at a time, each in a fresh process."""
    given = _arguments()
    names = given.only or list(MUTANTS)
    began = time.monotonic()
    with ThreadPoolExecutor(given.workers) as pool:
        running = [pool.submit(_tried, name, given) for name in names]
        told = [_shown(done.result()) for done in as_completed(running)]
    survived = sorted(each["mutant"] for each in told if not each["killed"])
    killed = len(told) - len(survived)
    print(
        json.dumps(
            {"mutants": len(told), "killed": killed, "survived": survived, "seconds": round(time.monotonic() - began, 1)}
        )
    )
    return int(bool(survived))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Puts known defects back, one at a time.")
    parser.add_argument("--only", action="append", choices=sorted(MUTANTS), metavar="NAME")
    parser.add_argument("--schedules", type=int, default=10_000, help="schedules for each mutant, at most")
    parser.add_argument("--states", type=int, default=60_000, help="states of the model for each mutant, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    return parser.parse_args()


def _tried(name: str, given: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.mutants.trial", name]
    command += [f"--schedules={given.schedules}", f"--states={given.states}", f"--seed={given.seed}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stdout.strip().rpartition("\n")[2]
    try:
        told: dict[str, Any] = json.loads(last)
    except ValueError:
        raise SystemExit(f"{name}: the trial broke off\n{done.stderr[-3000:]}") from None
    return told


def _shown(told: dict[str, Any]) -> dict[str, Any]:
    name, seconds = told["mutant"], told["seconds"]
    if told["killed"]:
        unit = "states" if told["by"] == "model" else "schedules"
        print(f"{name:36} killed by the {told['by']} after {told['tries']} {unit}, {seconds} s, in {told['where']!r}: "
              f"{told['wrong']}", flush=True)  # fmt: skip
    else:
        print(f"{name:36} SURVIVED {told['tries']}, {seconds} s", flush=True)
    return told


if __name__ == "__main__":
    raise SystemExit(main())
