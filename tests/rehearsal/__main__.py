"""`./dev rehearse [RELEASE…] [--tests SELECTION] [--keep DIRECTORY]`: the README's two commands on bare Debians."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.rehearsal.tree import Tree, TreeError
from tests.sandbox.environment import ROOT

RELEASES: Final = {"bookworm": "Debian 12", "trixie": "Debian 13"}
# What is left when a command has ended, but for this shell, which is process 1; one that only waits to be reaped has no exe.
# pytest keeps the directories of its last three runs, for people to look into.
LEFT: Final = """
for each in /proc/[0-9]*; do
  if [ "$each" != /proc/1 ] && [ -e "$each/exe" ]; then tr '\\0' ' ' <"$each/cmdline"; echo; fi
done >/left 2>/dev/null
ls -A -I 'pytest-of-*' /tmp >>/left
"""
CLONE: Final = "git -c advice.detachedHead=false clone --quiet /repository bridge"


@dataclass
class Rehearsal:
    """One release, and how long each step took."""

    tree: Tree
    seconds: dict[str, float] = field(default_factory=dict)

    def play(self, commands: list[str]) -> None:
        """All steps, in their order. Raises `TreeError` at the first that fails."""
        with self._timed("a bare tree"):
            self.tree.make()
        bundle = self.tree.place / "repository"
        subprocess.run(["git", "-C", ROOT, "bundle", "create", "--quiet", bundle, "HEAD"], check=True)
        for command in (CLONE, *commands):
            with self._timed(command):
                self._run(command)

    def _run(self, command: str) -> None:
        where = "cd /root" if command.startswith("git ") else "cd /root/bridge"
        left = self.tree.place / "left"
        script = f"{where} && {command}; status=$?\n{LEFT}\nexit $status"
        if status := self.tree.run(script):
            raise TreeError(f"`{command}` failed with status {status}")
        if found := left.read_text().strip():
            raise TreeError(f"`{command}` left something behind:\n{found}")

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        print(f"\n• {RELEASES[self.tree.release]}: {step}", flush=True)
        began = time.monotonic()
        yield
        self.seconds[step] = time.monotonic() - began

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in self.seconds.items())
        return f"{RELEASES[self.tree.release]}: {steps}; together {sum(self.seconds.values()):.0f} s"


def commands(selection: str | None) -> list[str]:
    """The commands of the README's "Try it", in their order; the tests as selected, or none for an empty selection."""
    section = (ROOT / "README.md").read_text().partition("## Try it")[2].partition("\n## ")[0]
    found = [command.strip() for command in re.findall(r"^(\./dev [a-z]+) +#", section, re.MULTILINE)]
    if selection is None:
        return found
    return [
        f"{each} {selection}".strip() if each.endswith(" test") else each
        for each in found
        if selection or "test" not in each
    ]


def main() -> int:
    """Rehearse each release; 1 if one did not go well."""
    parser = argparse.ArgumentParser(
        prog="./dev rehearse", description="The README's two commands, from zero, on bare Debians."
    )
    parser.add_argument("releases", nargs="*", metavar="RELEASE", help=f"of {', '.join(RELEASES)}; all without it")
    parser.add_argument("--tests", metavar="SELECTION", help="only these tests, as pytest takes them; '' for none")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="make the trees here and leave them")
    given = parser.parse_args()
    if unknown := set(given.releases) - RELEASES.keys():
        parser.error(f"no such release: {', '.join(unknown)}. There are: {', '.join(RELEASES)}")
    if missing := _missing():
        print(f"✗ {missing}", file=sys.stderr)
        return 1
    told = [_rehearsed(release, commands(given.tests), given.keep) for release in given.releases or RELEASES]
    print("", *(words for _, words in told), sep="\n")
    return int(not all(good for good, _ in told))


def _missing() -> str:
    if os.geteuid() != 0:
        return "a tree can only be made and entered with root's rights: run this as root, or with sudo"
    programs = [program for program in ("mmdebstrap", "unshare", "pivot_root", "git") if shutil.which(program) is None]
    return f"missing: {', '.join(programs)}. Run ./dev setup, which installs them" if programs else ""


def _rehearsed(release: str, steps: list[str], keep: Path | None) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory(prefix="bridge-rehearsal-") as directory:
        place = (keep or Path(directory)) / release
        place.mkdir(parents=True, exist_ok=True)
        rehearsal = Rehearsal(Tree(release, place.resolve()))
        try:
            rehearsal.play(steps)
        except TreeError as error:
            return False, f"✗ {rehearsal}\n  {error}"
    return True, f"✓ {rehearsal}"


if __name__ == "__main__":
    sys.exit(main())
