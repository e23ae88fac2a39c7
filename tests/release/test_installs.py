"""Each way to install the wheel, in an environment that has nothing else."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sandbox.environment import ROOT, install, run

OURS = ("bridge", "listeners", "reflector", "sql")
OF_THE_SERVICES = {"asyncpg", "aio-pika", "pydantic", "typer"}
IMPORTED = """
import importlib, json, pkgutil, sys
found = []
for top in sys.argv[1:]:
    package = importlib.import_module(top)
    found += [top, *(m.name for m in pkgutil.walk_packages(package.__path__, top + ".") if not m.name.startswith(
        ("bridge.master", "bridge.taskgraph", "bridge.traces.tracer")))]
for name in found:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(json.dumps(found))
"""
PACKAGES = "import importlib.metadata as m, json; print(json.dumps([d.name.lower() for d in m.distributions()]))"


@dataclass(frozen=True, slots=True)
class Clean:
    """A virtual environment with the wheel and what it asks for."""

    place: Path

    def python(self, code: str, *arguments: str) -> str:
        """What a program prints, far from any checkout."""
        return run([self.place / "bin" / "python", "-I", "-c", code, *arguments])

    def packages(self) -> set[str]:
        found: list[str] = json.loads(self.python(PACKAGES))
        return set(found)

    def bbb(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error of the command."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("BBB_", "PYTHON"))}
        command = [self.place / "bin" / "bbb", *arguments]
        done = subprocess.run(
            command, cwd=self.place, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def consistent(self) -> bool:
        """Whether every package has what it asks for."""
        return "No broken requirements" in run(
            [sys.executable, "-m", "pip", "--python", self.place / "bin" / "python", "check"]
        )


def clean(place: Path, wheel: Path, extra: str, lock: str = "") -> Clean:
    """Install the wheel with an extra, in the versions of a lock."""
    run([sys.executable, "-m", "venv", "--without-pip", place])
    if not extra:
        install(place, "--no-index", wheel)
    else:
        install(place, f"buildbot-bridge[{extra}] @ {wheel.as_uri()}", "-c", ROOT / "requirements" / lock)
    return Clean(place)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Clean:
    return clean(tmp_path_factory.mktemp("services"), wheel, "services", "runtime.txt")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Clean:
    return clean(tmp_path_factory.mktemp("plain"), wheel, "")


@pytest.fixture(scope="module")
def taskgraph(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Clean:
    return clean(tmp_path_factory.mktemp("taskgraph"), wheel, "taskgraph", "taskgraph-lowest.txt")


def test_plain_it_brings_nobody_along(plain: Clean) -> None:
    assert plain.packages() == {"buildbot-bridge"}
    assert plain.consistent()


def test_plain_the_command_says_what_it_lacks(plain: Clean) -> None:
    status, out, err = plain.bbb("--version")
    assert (status, out) == (1, "")
    assert err.startswith("bbb: the package ")
    assert "pip install 'buildbot-bridge[services]'" in err
    assert "Traceback" not in err


def test_with_services_every_module_of_theirs_can_be_used(services: Clean) -> None:
    assert services.packages() >= OF_THE_SERVICES
    assert services.consistent()
    found = json.loads(services.python(IMPORTED, *OURS))
    assert {"bridge.cli.app", "listeners.taskcluster", "reflector.service", "sql"} <= set(found)
    assert len(found) > 150


def test_with_traces_as_well_there_can_be_traces(tmp_path: Path, wheel: Path) -> None:
    traces = clean(tmp_path / "traces", wheel, "services,traces", "runtime.txt")
    assert traces.consistent()
    assert traces.python("import bridge.traces.tracer as t; print(t.__name__)") == "bridge.traces.tracer\n"


def test_with_services_the_command_works(services: Clean) -> None:
    assert services.bbb("--version")[:2] == (0, f"bbb {(ROOT / 'bridge/master/VERSION').read_text()}")
    assert '"buildername"' in services.bbb("schema")[1]


def test_with_taskgraph_a_decision_task_gets_that_alone(taskgraph: Clean) -> None:
    packages = taskgraph.packages()
    assert {"taskcluster-taskgraph", "jsonschema"} <= packages
    assert packages & OF_THE_SERVICES == set()
    assert taskgraph.consistent()
    assert (
        taskgraph.python("import bridge.taskgraph, bridge.definition; print(bridge.taskgraph.register.__name__)")
        == "register\n"
    )
