"""taskgraph's own command, run on a copy of a project, by the environment that is asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.environment import ROOT

Json = dict[str, Any]
NEWEST = Path(sys.prefix)
"""The environment of the tests themselves: the newest taskgraph, and mozilla-taskgraph beside it."""


@dataclass(frozen=True, slots=True)
class Said:
    """How the command ended, and what it wrote."""

    status: int
    out: str
    err: str


def copied(project: Path, to: Path) -> Path:
    """A copy of the project such as a newcomer makes."""
    shutil.copytree(project, to, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def taskgraph(project: Path, *arguments: str | Path, venv: Path = NEWEST, **env: str) -> Said:
    """Run `taskgraph …` in a project's directory. Nothing is asked over a network but what `env` leads to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TASK", "PYTHON", "COV_"))}
    if venv == NEWEST:
        kept["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [venv / "bin" / "taskgraph", *arguments],
        cwd=project,
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1"} | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def graph(project: Path, which: str, parameters: Path, venv: Path = NEWEST, **env: str) -> Json:
    """The graph that `taskgraph full`, `target` and so on make, by label or, after optimization, by task id."""
    said = taskgraph(project, which, "-J", "-p", parameters, venv=venv, **env)
    if said.status:
        raise RuntimeError(f"taskgraph {which} failed:\n{said.out}{said.err}")
    made: Json = json.loads(said.out)
    return made
