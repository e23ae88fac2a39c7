"""`python -m tests.chaos --kills N --seed S [--minutes M]`."""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.chaos import telling
from tests.chaos.house import opened
from tests.chaos.killing import Killer
from tests.chaos.leaks import leaks
from tests.chaos.record import Record
from tests.chaos.round import Pace, Round
from tests.chaos.servers import Deck
from tests.chaos.verdict import WRONGS

KILLS_A_ROUND: Final = 60


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill everything, lose nothing.")
    parser.add_argument("--kills", type=int, default=60, help="SIGKILLs of services (60)")
    parser.add_argument("--seed", type=int, default=None, help="what is done, and in which order (from the clock)")
    parser.add_argument("--minutes", type=float, default=None, help="begin no further round after so many minutes")
    parser.add_argument("--tasks", type=float, default=Pace.tasks, help=f"tasks a second ({Pace.tasks})")
    parser.add_argument("--keep", action="store_true", help="keep the directory with all logs in any case")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else int(time.time()) % 1_000_000
    directory = Path(tempfile.mkdtemp(prefix=f"bridge-chaos-{seed}-"))
    directory.chmod(0o711)  # the servers run as users of their own
    said = asyncio.run(chaos(directory, asked.kills, seed, asked.minutes, Pace(tasks=asked.tasks)))
    bad = any(said[wrong] for wrong in (*WRONGS, "fallen", "leaked"))
    if bad or asked.keep:
        print(f"Logs: {directory}", flush=True)
    else:
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps(said), flush=True)
    return int(bad)


async def chaos(directory: Path, kills: int, seed: int, minutes: float | None, pace: Pace) -> dict[str, Any]:
    """Go on in rounds until there were so many kills, or until the time is over; what the last line says."""
    began = time.monotonic()
    wrong = Counter[str]()
    tasks = rounds = 0
    async with opened(directory, random.Random(f"{seed} wires")) as house:
        print(f"seed {seed}: the servers run after {time.monotonic() - began:.0f} s", flush=True)
        killer, deck, record = Killer(house, str(seed)), Deck(random.Random(f"{seed} servers")), Record(house.stack)
        house.wires["buildbot"].heard = record.heard
        while killer.done < kills and (minutes is None or time.monotonic() - began < minutes * 60):
            rounds += 1
            this = Round(house, killer, deck, record, f"{seed} {rounds}")
            outcome = await this.run(min(KILLS_A_ROUND, kills - killer.done), pace)
            wrong.update(finding.wrong for finding in outcome.findings)
            tasks += len(outcome.evidence.tasks)
            print(f"round {rounds}: {killer.done} kills; {outcome}", flush=True)
            await telling.tell(house.stack, outcome)
        for words in (*killer.fallen, *(leaked := await leaks(house))):
            print(f"  {words}", flush=True)
    counted: dict[str, int] = {name: wrong[name] for name in WRONGS}
    counted |= {"fallen": len(killer.fallen), "leaked": len(leaked)}
    return _harmed(killer, deck) | {"tasks": tasks, **counted, "seconds": round(time.monotonic() - began), "seed": seed}


def _harmed(killer: Killer, deck: Deck) -> dict[str, Any]:
    """What was done: how often each fault was dealt, and at how many of the points that were passed somebody died."""
    points = {(service, effect, when) for service, effect, _ in killer.known for when in ("before", "after")}
    ways = {"frozen": killer.frozen, **dict(killer.killed), "start_refused": killer.refused}
    return {
        "kills": killer.done,
        "faults": {**dict(sorted(deck.dealt.items())), **ways},
        "crash_points": {"known": len(points), "hit": len(killer.hit)},
    }


if __name__ == "__main__":
    sys.exit(main())
