"""Virtual environments beside the project's own: of Buildbot masters, and of a decision task.

A master is a foreign system: there is a new one, and the oldest that the plugin works with. A decision task has the project's
extra `taskgraph` only, here with the oldest releases of what that asks for.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ("pyproject.toml", "README.md", "LICENSE", "bridge", "listeners", "reflector", "sql")
BUILD = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"


@dataclass(frozen=True, slots=True)
class Environment:
    """What an environment is made from, the program that it is for, and the variable that names another place."""

    name: str
    variable: str
    lock: Path
    program: str


BUILDBOT = Environment(".venv-buildbot", "BRIDGE_BUILDBOT_VENV", ROOT / "requirements" / "buildbot.txt", "buildbot")
BUILDBOT_OLDEST = Environment(
    ".venv-buildbot-oldest", "BRIDGE_BUILDBOT_OLDEST_VENV", ROOT / "requirements" / "buildbot-oldest.txt", "buildbot"
)
TASKGRAPH = Environment(
    ".venv-taskgraph", "BRIDGE_TASKGRAPH_VENV", ROOT / "requirements" / "taskgraph-lowest.txt", "taskgraph"
)


def location(environment: Environment = BUILDBOT) -> Path:
    """Where the environment is: the directory that its variable names, or else one in the project."""
    return Path(os.environ.get(environment.variable, ROOT / environment.name)).absolute()


def ensure_environment(environment: Environment = BUILDBOT) -> Path:
    """Give the environment's directory, with the locked packages and this project as it stands now installed in it.

    The project is built into a wheel and installed without its dependencies, as a master's administrator does it.
    """
    place = location(environment)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        # A given environment may hold another release of the program on purpose: then only the project is installed.
        if environment.variable not in os.environ or not (place / "bin" / environment.program).exists():
            _packages(environment, place)
        _project(place)
    return place


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Several test runs may share the environment, so the lock is a file that all of them find."""
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _packages(environment: Environment, place: Path) -> None:
    """Make the environment anew unless it was finished from this lock, for this Python, at this place."""
    made_of = digest([environment.lock], sys.version, str(place))
    stamp = place / f".{environment.program}.installed"
    if _reads(stamp) == made_of and (place / "bin" / "python").exists():
        return
    _say(f"{place.name}: {environment.program}, as {environment.lock.relative_to(ROOT)} has it")
    if place.exists():
        shutil.rmtree(place)
    run([sys.executable, "-m", "venv", "--without-pip", place])
    install(place, "--require-hashes", "-r", environment.lock)
    stamp.write_text(made_of)


def _project(place: Path) -> None:
    """Install the project unless this very content is installed.

    The wheel is built by the hatchling of this environment: nothing is fetched that no lock names.
    """
    made_of = digest(sources())
    stamp = place / ".project.installed"
    if _reads(stamp) == made_of:
        return
    _say(f"{place.name}: this project")
    with tempfile.TemporaryDirectory(prefix="bridge-wheel-") as directory:
        wheel = run([sys.executable, "-c", BUILD, directory]).splitlines()[-1]
        install(place, "--no-deps", "--no-index", "--force-reinstall", Path(directory, wheel))
    stamp.write_text(made_of)


def install(place: Path, *what: str | Path) -> None:
    """Install by uv, else by pip, which may know an index or a proxy that uv was not told of."""
    beside = Path(sys.executable).with_name("uv")
    uv = beside if beside.exists() else shutil.which("uv")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", place / "bin" / "python", "install", "-q"]
    if uv:
        with contextlib.suppress(RuntimeError), tempfile.TemporaryDirectory(prefix="bridge-uv-") as directory:
            # It leaves locks among the temporary files where it builds a package.
            command = ["env", f"TMPDIR={directory}", uv, "pip", "install", "-q", "--python", place / "bin" / "python", *what]
            run(command)
            return
    run([*pip, "--disable-pip-version-check", *what])


def run(command: list[str | Path]) -> str:
    """What a program prints; RuntimeError, with its words, if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def _say(what: str) -> None:
    print(f"• {what}", file=sys.stderr)


def _reads(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def sources() -> list[Path]:
    """All files that the project is built from."""
    found = (ROOT / name for name in INSTALLED)
    files = [path for each in found for path in ([each] if each.is_file() else each.rglob("*"))]
    return sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts)


def digest(files: list[Path], *words: str) -> str:
    """What tells these files, by name and content, and these words from any others."""
    found = hashlib.sha256("\0".join(words).encode())
    for path in files:
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


def main(what: Sequence[str]) -> None:
    """Make what the tests need, or with `demo` what the demo does: it shall not fail for want of Helm, say."""
    ensure_environment(BUILDBOT)
    if "demo" not in what:
        ensure_environment(BUILDBOT_OLDEST)
        ensure_environment(TASKGRAPH)
        from tests.sandbox import helm

        helm.ensure_all()


if __name__ == "__main__":
    main(sys.argv[1:])
