"""`python -m tests.bench`: measures what a task costs, part by part. The last line is one JSON object."""

import argparse
import asyncio
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench import meter
from tests.bench.report import Part, document, show, summary

PARTS = ("calls", "cpu", "scale", "idle", "database", "concurrent", "reclaims", "latency", "recovery")
"""Each is a module with `measure(quick)`; the first five are what `--quick` runs."""
QUICK = PARTS[:5]


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers, for continuous integration: some minutes")
    parser.add_argument("--only", metavar="PART,…", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", type=Path, default=Path(".cache/bench.json"), help="the file to write everything to")
    asked = parser.parse_args(arguments)
    asked.parts = asked.only.split(",") if asked.only else list(QUICK if asked.quick else PARTS)
    if unknown := sorted(set(asked.parts) - set(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return asked


async def _measured(asked: argparse.Namespace) -> list[Part]:
    parts: list[Part] = []
    for name in asked.parts:
        print(f"• {name}", file=sys.stderr, flush=True)
        for part in await importlib.import_module(f"tests.bench.{name}").measure(quick=asked.quick):
            show(part)
            parts.append(part)
    return parts


def _conditions(asked: argparse.Namespace) -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": commit,
        "quick": asked.quick,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": meter.load(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def main(arguments: Sequence[str]) -> int:
    """Measure as the arguments say; the exit status."""
    asked = _asked(arguments)
    began = time.monotonic()
    conditions = _conditions(asked)
    parts = asyncio.run(_measured(asked))
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(document(parts, conditions | {"load at the end": meter.load()}))
    told = summary(parts, time.monotonic() - began)
    print(json.dumps(told))
    return 1 if told["broken"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
