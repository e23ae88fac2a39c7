"""Wheel and sdist, the same bytes from the same commit, built by the environment's own hatchling: no network."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.sandbox.environment import ROOT

_BEFORE_GIT: Final = 1_577_836_800
"""2020-01-01; the time in archives where there is no commit to take it from. Zip files know no time before 1980."""


def made(directory: Path, source: Path = ROOT) -> list[Path]:
    """Build wheel and sdist of a source tree into the directory. Raises RuntimeError with the tool's words."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(committed_at(source)), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(directory)]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"hatchling failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return sorted([*directory.glob("*.whl"), *directory.glob("*.tar.gz")])


def committed_at(source: Path = ROOT) -> int:
    """When the tree's commit was made, in seconds since 1970."""
    said = _git(source, "log", "-1", "--format=%ct")
    return int(said) if said else _BEFORE_GIT


def commit(source: Path = ROOT) -> str:
    """The tree's commit; with `-dirty` where something is not committed, and empty where there is no git."""
    return _git(source, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")


def _git(source: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", source, *words], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
