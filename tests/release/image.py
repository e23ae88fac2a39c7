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
_OF_THE_IMAGE: Final = ("docker/Dockerfile", ".dockerignore", "requirements/runtime.txt", "requirements/build.txt")
# What slim images leave out. Licences stay.
_SLIM: Final = ("exclude=/usr/share/man/*", "exclude=/usr/share/locale/*", "exclude=/usr/share/doc/*")
_LICENCES: Final = "include=/usr/share/doc/*/copyright"
_HOOKS: Final = ('ln -s /usr/bin/python3 "$1/usr/local/bin/python3"', 'rm -f "$1/etc/resolv.conf" "$1/etc/hostname"')
VERSION: Final = (ROOT / "bridge" / "master" / "VERSION").read_text().strip()


def built() -> str:
    """The image's name. Its tag says what it was made of, so that it is made anew only when that has changed."""
    engine.prepare()
    with _alone():
        base = os.environ.get(GIVEN_BASE) or _stand_in()
        files = sorted({*sources(), *(ROOT / name for name in _OF_THE_IMAGE)})
        name = f"{NAME}:{digest(files, base)[:16]}"
        if not engine.has(name):
            _forget(NAME)
            build(base, name)
    return name


def build(base: str, name: str, **labels: str) -> None:
    """Build `docker/Dockerfile` on a base that is there, or can be pulled, with more of its arguments."""
    labels = {"BASE": base, "VERSION": VERSION, **labels}
    arguments = [f"--build-arg={key}={value}" for key, value in labels.items()]
    with _secrets() as secrets:
        engine.buildah(
            "bud", "--quiet", "--format=docker", "--isolation=chroot", "--pull=false", *arguments, *secrets,
            f"--tag={name}", f"--file={ROOT / 'docker' / 'Dockerfile'}", ROOT,
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
