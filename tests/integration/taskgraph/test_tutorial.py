"""The tutorial, taken literally: its files are written, its commands run, and they say what it says they do."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.environment import ROOT
from tests.taskgraph.generating import NEWEST

TITLE = "## From a Buildbot builder to a task in ten minutes"
SOURCE = ROOT / "README.md"


def blocks() -> Iterator[tuple[str, str]]:
    """Language and text of the section's fenced blocks, in order."""
    text = SOURCE.read_text()
    section = text[text.index(f"{TITLE}\n") + len(TITLE) :]
    section = re.split(r"^## ", section, maxsplit=1, flags=re.MULTILINE)[0]
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project before the tutorial: a clone with one commit."""
    place = tmp_path / "widget"
    place.mkdir()
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for command in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "https://github.com/example/widget"],
        ["-c", "user.name=dev", "-c", "user.email=dev@example.org", "commit", "-q", "--allow-empty", "-m", "Begin"],
    ):
        subprocess.run(["git", *command], cwd=place, env=env, check=True, timeout=60)
    return place


def run(script: str, clone: Path, venv: Path) -> str:
    """What the commands print; installing is done already."""
    kept = "\n".join(line for line in script.splitlines() if not line.startswith("pip install "))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TASK", "PYTHON", "COV_"))}
    env |= {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"PYTHONPATH": str(ROOT)} if venv == NEWEST else {}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", kept],
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def holds(whole: Any, part: Any) -> bool:
    """Whether all of `part` is in `whole`; a `…` stands for any text."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], value) for key, value in part.items())
    return (isinstance(whole, str) and whole != "") if part == "…" else bool(whole == part)


def test_the_tutorial_does_what_it_says(clone: Path, venv: Path) -> None:
    said, did = "", []
    for language, text in blocks():
        did.append(language)
        match language:
            case "yaml":
                path = clone / text.splitlines()[0].removeprefix("# ")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            case "sh":
                said = run(text, clone, venv)
            case "text":
                assert sorted(said.split()) == sorted(text.split())
            case "json":
                assert holds(json.loads(said), json.loads(text)), said
            case _:
                pytest.fail(f"what is a block of {language} for?")
    assert did == ["sh", "yaml", "yaml", "sh", "text", "sh", "json", "yaml", "sh", "text"]


def test_the_payload_of_the_tutorial_is_held_against_what_is_made() -> None:
    (shown,) = (json.loads(text) for language, text in blocks() if language == "json")
    other = json.loads(json.dumps(shown).replace("widget build", "widget test"))
    assert holds(shown, shown)
    assert not holds(shown, other)
    assert not holds({}, shown)
