"""The plugin is a guest in another environment: it may import only its host and the standard library."""

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOSTS = {"buildbot", "twisted", "sqlalchemy"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
    return found


def test_it_imports_nothing_that_a_masters_environment_lacks() -> None:
    for path in (ROOT / "bridge" / "master").glob("*.py"):
        for name in imported(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names | HOSTS or name.startswith("bridge.master"), f"{path.name}: {name}"


def test_the_distribution_adds_no_dependency_and_names_its_entry_points() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
    assert project["entry-points"]["buildbot.util"] == {"TaskclusterBridge": "bridge.master:TaskclusterBridge"}
    assert project["entry-points"]["buildbot.steps"] == {"TaskclusterArtifact": "bridge.master:TaskclusterArtifact"}
    assert project["entry-points"]["buildbot.www"] == {"taskcluster": "bridge.master.www:ep"}


def test_the_version_that_buildbot_reads_is_that_of_the_distribution() -> None:
    assert (ROOT / "bridge" / "master" / "VERSION").read_text().strip() == metadata.version("buildbot-bridge")
