"""The reference names the keys that there are, all of them and no others."""

from __future__ import annotations

import inspect
import re
import tomllib
from types import SimpleNamespace

import pytest

from bridge.definition import DefinitionError
from bridge.taskgraph import actions, loader, run, section
from tests.sandbox.environment import ROOT

SOURCE = ROOT / "README.md"
TEXT = re.split(r"^## Task graphs: reference$", SOURCE.read_text(), flags=re.MULTILINE)[1]
TEXT = re.split(r"^## ", TEXT, maxsplit=1, flags=re.MULTILINE)[0]


def keys(head: str) -> set[str]:
    """First cells of the table that begins with this cell."""
    table = TEXT[TEXT.index(f"| {head} |") :].partition("\n\n")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))


def test_the_keys_of_the_section() -> None:
    assert keys("key of `buildbot-bridge`") == set(section.KEYS)


def test_the_keys_of_run() -> None:
    assert keys("key of `run`") | {"using"} == set(run.KEYS)


def test_the_keys_of_a_builders_graph() -> None:
    assert keys("key of `kind.yml`") == set(loader.KEYS)


def test_the_actions() -> None:
    assert set(actions.AVAILABLE) == set(section.ACTIONS)
    assert all(f"`{action}`" in TEXT for action in section.ACTIONS)


def test_the_versions() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (asked,) = (each for each in extras["taskgraph"] if each.startswith("taskcluster-taskgraph"))
    lowest, highest = re.findall(r"[\d.]+", asked)
    assert f"`taskcluster-taskgraph` from {lowest} to the newest {int(highest) - 1}" in TEXT


def test_the_register_function_is_one(datadir: object) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    register = names["register"]
    assert callable(register)
    assert list(inspect.signature(register).parameters) == ["graph_config"]
    register(SimpleNamespace(get={}.get))
    with pytest.raises(DefinitionError, match=r"config\.yml: buildbot-bridge: must be a mapping"):
        register(SimpleNamespace(get={"buildbot-bridge": 1}.get))
