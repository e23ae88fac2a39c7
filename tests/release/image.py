"""The image, built once from what the tree says now; a second build of the same gives the first."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.release import engine
from tests.release.engine import EngineError
from tests.sandbox import machine
from tests.sandbox.environment import ROOT, digest, sources

NAME: Final = "localhost/buildbot-bridge-test"
BASE: Final = "localhost/buildbot-bridge-test-base"
GIVEN_BASE: Final = "BRIDGE_TEST_IMAGE_BASE"
"""Names an image to build on, such as python:3.13-slim where that can be pulled."""
RELEASE: Final = "trixie"
"""The Debian that python:3.13-slim is made of, with the same Python."""
# What slim images leave out. Licences stay.
_SLIM: Final = ("exclude=/usr/share/man/*", "exclude=/usr/share/locale/*", "exclude=/usr/share/doc/*")
_LICENCES: Final = "include=/usr/share/doc/*/copyright"
_HOOKS: Final = ('ln -s /usr/bin/python3 "$1/usr/local/bin/python3"', 'rm -f "$1/etc/resolv.conf" "$1/etc/hostname"')
VERSION: Final = (ROOT / "bridge" / "master" / "VERSION").read_text().strip()


def built() -> str:
    """The bridge's image, by its name. Its tag says what it was made of: it is made anew only when that has changed."""
    return _built(NAME, "docker/Dockerfile", "requirements/runtime.txt")


def buildbot() -> str:
    """The image of a Buildbot master with the plugin, by its name; likewise."""
    return _built(f"{NAME}-buildbot", "docker/buildbot.Dockerfile", "requirements/buildbot.txt", "docker/buildbot")


def _built(name: str, recipe: str, *parts: str) -> str:
    engine.prepare()
    with _alone():
        base = os.environ.get(GIVEN_BASE) or _stand_in()
        given = [ROOT / each for each in (recipe, ".dockerignore", "requirements/build.txt", *parts)]
        files = [path for each in given for path in (each.rglob("*") if each.is_dir() else [each])]
        tagged = f"{name}:{digest(sorted({*sources(), *files}), base)[:16]}"
        if not engine.has(tagged):
            _forget(name)
            build(base, tagged, recipe)
    return tagged


def build(base: str, name: str, recipe: str = "docker/Dockerfile", **more: str) -> None:
    """Build on a base that is there, or can be pulled; `more` are arguments of the recipe."""
    arguments = [f"--build-arg={key}={value}" for key, value in {"BASE": base, "VERSION": VERSION, **more}.items()]
    with _secrets() as secrets:
        engine.buildah(
            "bud", "--quiet", "--format=docker", "--isolation=chroot", "--pull=false", *engine.LIMITS, *arguments,
            *secrets,
            f"--tag={name}", f"--file={ROOT / recipe}", ROOT,
        )  # fmt: skip


def _stand_in() -> str:
    """A slim Debian with Python and pip's means, made by mmdebstrap, that nobody takes for the real one by its name."""
    name = f"{BASE}:{digest([], RELEASE, *_SLIM, *_HOOKS)[:16]}"
    if not engine.has(name):
        _forget(BASE)
        with tempfile.TemporaryDirectory(prefix="bridge-base-") as directory:
            tree = Path(directory, "base.tar")
            engine.command("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv,ca-certificates",
                  *(f"--dpkgopt=path-{rule}" for rule in (*_SLIM, _LICENCES)),
                  *(f"--customize-hook={hook}" for hook in _HOOKS), RELEASE, tree, *machine.mirror())  # fmt: skip
            container = engine.buildah("from", "scratch").strip()
            engine.buildah("add", "--quiet", container, tree, "/")
            engine.buildah("commit", "--quiet", "--rm", container, name)
    return name


@contextlib.contextmanager
def _secrets() -> Iterator[list[str]]:
    """This machine's way to its package index, for the time of a build: where it is, and whom to trust."""
    trusted = machine.certificates()
    with tempfile.TemporaryDirectory(prefix="bridge-secrets-") as directory:
        settings = Path(directory, "pip.conf")
        settings.write_text(machine.pip_settings("/run/secrets/ca" if trusted else None))
        yield [f"--secret=id=pip,src={settings}", *([f"--secret=id=ca,src={trusted}"] if trusted else [])]


def _forget(name: str) -> None:
    """Remove what was built of older states: every state has a tag of its own. What is in use by another run stays."""
    listed = ("--format={{.Repository}}:{{.Tag}}", f"--filter=reference={name}", "--filter=until=24h")
    for old in engine.podman("images", *listed).split():
        with contextlib.suppress(EngineError):
            engine.podman("rmi", old)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Runs beside each other, of other clones too, wait for one that builds."""
    with Path("/run/lock/buildbot-bridge-image").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
