"""A copy of the sample, the environments that generate from it, and a deployment that they may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.environment import TASKGRAPH, ensure_environment
from tests.taskgraph import PARAMETERS, SAMPLE, definitions
from tests.taskgraph.generating import NEWEST, copied, graph

from .deployment import Deployment, serving


@pytest.fixture(scope="session", params=["newest", "lowest"])
def venv(request: pytest.FixtureRequest) -> Path:
    """The environments in which the extension must work."""
    return NEWEST if request.param == "newest" else ensure_environment(TASKGRAPH)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return copied(SAMPLE, tmp_path / "sample")


@pytest.fixture(scope="session")
def full(venv: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The sample's full task graph, by label."""
    return graph(copied(SAMPLE, tmp_path_factory.mktemp("full") / "sample"), "full", PARAMETERS, venv)


@pytest.fixture
def root_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """As in a decision task: the address that artifact-references begin with."""
    # taskgraph reads the variable in this very process; it is as it was after the test.
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", definitions.ROOT_URL)
    return definitions.ROOT_URL


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """What a graph that is optimized, and an action, ask of Taskcluster."""
    (tmp_path / "public").mkdir()
    with serving(tmp_path / "public") as made:
        yield made
