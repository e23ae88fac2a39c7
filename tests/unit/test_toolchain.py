"""The locks fit what is asked for, name no place, and the rules of who imports whom do bite."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PACKAGE = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<rest>.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)

# One import against each rule; the core gets one for each module it may not know.
AGAINST = {
    "the rooms of the outside do not know each other": {"bridge.store": ["bridge.buildbot"]},
    "AMQP is spoken in one room": {"bridge.engine": ["aio_pika"]},
    "PostgreSQL is spoken in one room": {"reflector": ["asyncpg"]},
    "OpenTelemetry is spoken in one file": {"bridge.engine": ["opentelemetry"]},
    "Taskcluster is spoken in one room": {"bridge.engine": ["taskcluster"]},
    "Buildbot's code is met in the plugin only": {"bridge.buildbot": ["buildbot"]},
    "the engine knows the outside by its own Protocols": {"bridge.engine": ["bridge.store"]},
    "the frame of a process knows nothing of runs": {"bridge.metrics": ["bridge.core"]},
    "the settings know values, not rooms": {"bridge.settings": ["bridge.store"]},
    "what is published is made without the other rooms": {"bridge.published": ["bridge.settings", "aiohttp"]},
    "what a definition says is known without any room": {"bridge.definition": ["pydantic", "bridge.settings"]},
    "scenarios play the engine and reach nobody": {"bridge.scenario": ["bridge.store", "aiohttp"]},
    "what people ask for is decided without any room": {
        "bridge.submission": ["bridge.taskcluster", "typer"],
        "bridge.migration": ["bridge.buildbot", "bridge.settings"],
    },
    "the task graph's extension knows definitions only": {
        "bridge.taskgraph": ["bridge.core", "taskcluster", "mozilla_taskgraph"]
    },
    "live logs know builds by a Protocol, and nothing of runs": {"bridge.livelog": ["bridge.buildbot"]},
    "what is asked about runs is answered without HTTP, and by Protocols": {"bridge.status": ["bridge.store", "aiohttp"]},
    "what is stuck is decided from values alone": {"bridge.stuck": ["bridge.store", "pydantic"]},
    "the status page knows no concrete room": {"bridge.web": ["bridge.store"]},
    "the plugin is a guest and brings nobody along": {"bridge.master": ["pydantic", "bridge.core"]},
    "nobody but its host imports the plugin": {"bridge.buildbot": ["bridge.master"]},
    "only the command imports the shells": {"bridge.engine": ["listeners", "bridge.cli"]},
    "the shells do not know each other": {"listeners": ["reflector"]},
    "the shells do not know the command": {"reflector": ["bridge.cli"]},
}
CONTRACTS = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
AGAINST["the core is pure"] = {"bridge.core": CONTRACTS["the core is pure"]["forbidden_modules"]}


def locked(path: Path) -> dict[str, tuple[str, str]]:
    """Package to version and to what stands below it: hashes, and whom it is there for."""
    return {match["name"]: (match["version"], match["rest"]) for match in PACKAGE.finditer(path.read_text())}


def asked_in(name: str) -> list[str]:
    return [line for line in (ROOT / "requirements" / name).read_text().splitlines() if line and line[0] != "#"]


def _group(name: str) -> list[str]:
    """What a dependency group asks for, with the groups that it includes."""
    asked = PYPROJECT["dependency-groups"][name]
    return [line for each in asked for line in ([each] if isinstance(each, str) else _group(each["include-group"]))]


def asked_for(lock: str) -> list[Requirement]:
    project = PYPROJECT["project"]
    wanted: dict[str, Iterable[str]] = {
        # An image that lacks what a setting needs would refuse to start with it, and nobody can add to an image.
        "runtime": [
            *project["dependencies"],
            *(line for extra in ("services", "traces") for line in project["optional-dependencies"][extra]),
        ],
        "dev": [
            *project["dependencies"],
            *(each for extra in project["optional-dependencies"].values() for each in extra),
            *_group("dev"),
        ],
        "build": _group("build"),
        "taskgraph-lowest": project["optional-dependencies"]["taskgraph"],
        "buildbot": asked_in("buildbot.in"),
        "buildbot-oldest": asked_in("buildbot-oldest.in"),
    }
    return [Requirement(each) for each in wanted[lock]]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_what_is_asked_for_and_nothing_that_was_asked_for_once(lock: Path) -> None:
    packages = locked(lock)
    wanted = asked_for(lock.stem)
    for requirement in wanted:
        version, _ = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement}: run ./dev lock"
    direct = {
        name for name, (_, rest) in packages.items() if re.search(r"# .*(buildbot-bridge|buildbot(-oldest)?\.in)", rest)
    }
    assert direct == {canonicalize_name(requirement.name) for requirement in wanted}, "run ./dev lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_each_locked_package_has_hashes(lock: Path) -> None:
    packages = locked(lock)
    assert len(packages) > len(asked_for(lock.stem))
    assert [name for name, (_, rest) in packages.items() if "--hash=sha256:" not in rest] == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").iterdir()), ids=lambda path: path.name)
def test_no_address_stands_in_the_requirements(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert "--index-url" not in text


def test_the_oldest_taskgraph_that_is_promised_is_the_one_that_is_tried() -> None:
    packages = locked(ROOT / "requirements" / "taskgraph-lowest.txt")
    for requirement in asked_for("taskgraph-lowest"):
        (lowest,) = (each.version for each in requirement.specifier if each.operator == ">=")
        version, _ = packages[canonicalize_name(requirement.name)]
        assert Version(version).release[:2] == Version(lowest).release[:2], "run ./dev lock"


@pytest.mark.parametrize("lock", ["runtime", "build"])
def test_what_runs_and_what_builds_it_is_what_was_tested(lock: str) -> None:
    """The development lock names the same versions."""
    smaller, dev = locked(ROOT / "requirements" / f"{lock}.txt"), locked(ROOT / "requirements" / "dev.txt")
    assert {name: version for name, (version, _) in smaller.items()} == {name: dev[name][0] for name in smaller}


def rooms() -> set[str]:
    """Modules of ours that the contracts name."""
    keys = ("source_modules", "forbidden_modules", "modules", "protected_modules", "allowed_importers")
    named = {module for contract in CONTRACTS.values() for key in keys for module in contract.get(key, ())}
    return {module for module in named if module.split(".")[0] in PYPROJECT["tool"]["importlinter"]["root_packages"]}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's sources, with an empty stand-in for a room that a contract names and that is not there yet."""
    for package in PYPROJECT["tool"]["importlinter"]["root_packages"]:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in rooms():
        path = tmp_path.joinpath(*room.split("."))
        if not path.with_suffix(".py").exists():
            path.mkdir(exist_ok=True)
            (path / "__init__.py").touch()
    return tmp_path


def add_imports(place: Path, room: str, imports: list[str]) -> None:
    path = place.joinpath(*room.split("."))
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    source.write_text(source.read_text() + "".join(f"\nimport {module}" for module in imports))


def judged(place: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Contract to KEPT or BROKEN, and contract to what is said against those who broke it."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    said = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120, check=False).stdout
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", said, re.MULTILINE))
    assert verdicts, said
    sections = re.split(r"^(.+)\n-+\n", said.partition("Broken contracts")[2], flags=re.MULTILINE)
    return verdicts, dict(zip(sections[1::2], sections[2::2], strict=True))


def test_each_rule_of_who_imports_whom_is_broken_by_an_import_against_it(copy: Path) -> None:
    for breaches in AGAINST.values():
        for room, imports in breaches.items():
            add_imports(copy, room, imports)
    verdicts, complaints = judged(copy)
    assert verdicts == dict.fromkeys(CONTRACTS, "BROKEN")
    for contract, breaches in AGAINST.items():
        for room, imports in breaches.items():
            for module in imports:
                assert re.search(rf"\b{room} -> {module}\b", complaints[contract]), (contract, complaints[contract])


def test_each_rule_has_an_import_against_it() -> None:
    assert set(AGAINST) == set(CONTRACTS)
