"""Buildah and podman, told how to work on a machine without systemd; what they cannot do here is said in words."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PROGRAMS: Final = ("buildah", "podman", "runc", "mmdebstrap")
PATIENCE: Final = 600.0
"""Seconds for one command; the longest downloads all packages."""
# Both engines' own choices, crun and systemd, want a session, which containers and small virtual machines lack.
PODMAN: Final = ("podman", "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=file")
# Their own choice of limits is refused to whoever may not raise those that are in force.
LIMITS: Final = ("--ulimit=nofile=1024:4096", "--ulimit=nproc=2048:4096")
# HEALTHCHECK would want timers of systemd.
RUN: Final = (
    *PODMAN, "run", "--rm", "--no-healthcheck", "--log-driver=k8s-file", *LIMITS,
    "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:rw,mode=1777,size=256m",
    "--cap-drop=all", "--security-opt=no-new-privileges",
)  # fmt: skip
"""Runs an image as production does: nothing can be written but /tmp, and nothing is allowed."""


class EngineError(Exception):
    """An image cannot be built or run here; the text says what is missing and how to mend it."""


def prepare() -> None:
    """Raise `EngineError` where nothing can be built."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise EngineError(f"the image cannot be built without {', '.join(missing)}: run ./dev setup, which installs them")
    if os.geteuid() != 0:
        raise EngineError("the image is built and run with root's rights here: run this as root, or with sudo")


def buildah(*words: str | Path) -> str:
    """Run it to its end; what it printed."""
    return command("buildah", *words)


def podman(*words: str | Path) -> str:
    """Run it to its end; what it printed."""
    return command(*PODMAN, *words)


def has(image: str) -> bool:
    """Whether the image is on this machine."""
    return bool(podman("images", "--quiet", "--filter", f"reference={image}").strip())


def say(image: str, *words: str, options: Sequence[str] = ()) -> str:
    """What the image prints for a command of its entry point, without network."""
    return command(*RUN, "--network=none", *options, image, *words)


def python(image: str, code: str, *options: str) -> str:
    """What a program prints that runs inside the image."""
    return say(image, "-c", code, options=["--entrypoint=/app/bin/python", *options])


def command(*words: str | Path) -> str:
    """Run a program to its end; what it printed. Raises `EngineError`, with what it said, if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise EngineError(f"{words[0]} failed ({done.returncode}), called with {' '.join(map(str, words[1:5]))} …:\n{said}")
    return done.stdout
