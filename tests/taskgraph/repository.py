"""A project's git repository and the pushes to it, in a directory; nobody is asked over a network."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

URL = "https://github.com/example/demo"
BRANCH = "refs/heads/main"
OWNER = "ada@example.com"
NOBODY = "0" * 40
"""The base of a first push, as GitHub names it."""


@dataclass(frozen=True, slots=True)
class Push:
    """One push: the revision that came with it, and the one before; `time` in seconds since 1970."""

    number: int
    revision: str
    base: str
    time: int


class Repository:
    """The repository that the tasks of the tests check out; its address on paper is `URL`."""

    def __init__(self, directory: Path, content: Path) -> None:
        """Begin with this content, which is not yet pushed."""
        self.directory = directory
        shutil.copytree(content, directory, ignore=shutil.ignore_patterns("__pycache__"))
        self._git("init", "--quiet", "--initial-branch=main")
        self._pushes: list[Push] = []

    def push(self, changes: Mapping[str, str] | None = None, message: str = "A change") -> Push:
        """Write these files, by path, and push all that is new."""
        for name, text in (changes or {}).items():
            place = self.directory / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        base = self._pushes[-1].revision if self._pushes else NOBODY
        self._pushes.append(Push(len(self._pushes) + 1, self._git("rev-parse", "HEAD"), base, int(time.time())))
        return self._pushes[-1]

    def read(self, revision: str, name: str) -> str:
        """A file as it was in a revision."""
        return self._git("show", f"{revision}:{name}") + "\n"

    def _git(self, *arguments: str) -> str:
        # Nobody's own settings: a signature asked for by them would stop the commit.
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        command = ["git", "-c", "user.name=Ada", "-c", f"user.email={OWNER}", *arguments]
        done = subprocess.run(command, cwd=self.directory, env=env, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout.strip()
