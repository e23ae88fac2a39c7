"""The files around the code: what they name is there, and what is run before a commit is what the gate runs."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.release.__main__ import BASE
from tests.sandbox.environment import ROOT

HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
GATE = (ROOT / "dev").read_text()


def test_pre_commit_takes_its_settings() -> None:
    command = [ROOT / ".venv" / "bin" / "pre-commit", "validate-config"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_what_runs_before_a_commit_is_there_and_runs_in_the_gate_too(hook: dict[str, str]) -> None:
    program = Path(hook["entry"].split()[0])
    assert (ROOT / program).exists()
    assert re.search(rf"(\.venv/bin/|-m ){program.name}\b", GATE)


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_what_they_tell_people_to_run_and_read_is_there(name: str) -> None:
    text = (ROOT / ".github" / name).read_text()
    commands = set(re.findall(r"^  ([a-z-]+)(?: \||\))", GATE, re.MULTILINE))
    assert set(re.findall(r"\./dev ([a-z]+)\b", text)) <= commands
    headings = re.findall(r"^#+ (?:\d\. )?(.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert set(re.findall(r'README, "([^"]+)"', text)) <= set(headings)
    for path in re.findall(r"`((?:bridge|requirements|tests|\.ci)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path


def test_the_image_gets_every_file_that_its_recipes_copy_and_no_other() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set()
    for recipe in (ROOT / "docker").glob("*Dockerfile"):
        lines = re.findall(r"^COPY (?!--from)(.+)$", recipe.read_text(), re.MULTILINE)
        copied |= {source.split("/")[0] for line in lines for source in line.split()[:-1]}
    assert copied <= allowed
    assert not allowed & {".git", ".venv", ".cache"}


def test_the_image_is_made_on_the_base_that_its_recipe_names() -> None:
    assert f"\nARG BASE={BASE}\n" in (ROOT / "docker" / "Dockerfile").read_text()
