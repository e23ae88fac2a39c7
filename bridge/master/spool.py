"""The files that builds gave away, on the master's disk until the bridge has stored them.

Each build has a directory, named by its number, with its files as `1`, `2`, … and `manifest.json`. Only what the manifest
lists is there: it is replaced when a step's files are whole and on the disk, so a crash at any moment leaves a file listed
and whole, or not listed. The manifest names the run of the build's request, as numbers of builds come again after a restore
of Buildbot's database.

All of it blocks, and is for threads. One process writes a build's directory; the spool as a whole may be shared by masters.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from pathlib import Path
from typing import Any, BinaryIO, Final

from bridge.master import manifest
from bridge.master.incoming import Incoming
from bridge.master.manifest import Entry, Manifest, Owner

MAX_FILES: Final = 10_000
"""Of one build."""


class Full(Exception):  # noqa: N818 - its name is what happened
    """There is no room; the message says of what."""


class Spool:
    """The directory, and how much may be in it: `limit` in bytes."""

    def __init__(self, directory: Path, limit: int) -> None:
        self.directory, self.limit = directory, limit
        self._used = 0
        self._lock = threading.Lock()

    def place(self, build_id: int) -> Path:
        return self.directory / str(build_id)

    def measure(self) -> None:
        """Count what is there, as other masters and crashes may have changed it."""
        used = sum(_size(each) for build_id in self.builds() for each in self.place(build_id).glob("[0-9]*"))
        with self._lock:
            self._used = used

    def reserve(self, size: int) -> None:
        """Count bytes that are about to be written; raises Full."""
        with self._lock:
            if self._used + size > self.limit:
                held = f"it holds {self._used} bytes, and `spool_bytes` allows {self.limit}"
                raise Full(f"the spool of the Buildbot master is full: {held}")
            self._used += size

    def give_back(self, size: int) -> None:
        with self._lock:
            self._used = max(0, self._used - size)

    def builds(self) -> list[int]:
        """Which builds have a directory."""
        try:
            names = [each.name for each in self.directory.iterdir()]
        except FileNotFoundError:
            return []
        return [int(name) for name in names if name.isascii() and name.isdecimal()]

    def older_than(self, moment: float) -> list[int]:
        """Which builds have a directory in which nothing changed since `moment`, in epoch seconds."""
        return [build_id for build_id in self.builds() if _changed(self.place(build_id)) < moment]

    def entries(self, owner: Owner) -> tuple[Entry, ...]:
        """What is listed for a build; nothing where another build of the same number left its files."""
        found = manifest.read(self.place(owner.build_id))
        return found.outputs if found is not None and found.external_id == owner.external_id else ()

    def open(self, owner: Owner, number: int) -> BinaryIO | None:
        """Open a listed file; None where there is none."""
        if all(entry.number != number for entry in self.entries(owner)):
            return None
        try:
            return (self.place(owner.build_id) / str(number)).open("rb")
        except FileNotFoundError:
            return None

    def begin(self, owner: Owner) -> Spooling:
        """Make ready for the files of a step; what another build of the same number left is removed."""
        place = self.place(owner.build_id)
        listed = self.entries(owner)
        if not listed:
            self.remove(owner.build_id)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Spooling(self, owner, listed)

    def remove(self, build_id: int) -> None:
        """Forget a build's files; repeatable. The manifest goes first: what is listed is there."""
        place = self.place(build_id)
        (place / manifest.NAME).unlink(missing_ok=True)
        for each in place.glob("[0-9]*"):
            size = _size(each)
            # Who removes a file gives its room back: several may be at it.
            with contextlib.suppress(FileNotFoundError):
                each.unlink()
                self.give_back(size)
        shutil.rmtree(place, ignore_errors=True)


class Spooling:
    """The files of one step on their way into the spool: listed all together by `commit`, or gone by `discard`."""

    def __init__(self, spool: Spool, owner: Owner, listed: tuple[Entry, ...]) -> None:
        self._spool, self._owner, self._listed = spool, owner, listed
        self._place = spool.place(owner.build_id)
        self._next = 1 + max((entry.number for entry in listed), default=0)
        self._new: list[Incoming] = []
        self._entries: list[Entry] = []

    @property
    def names(self) -> frozenset[str]:
        """The artifact names that are taken by earlier steps."""
        return frozenset(entry.name for entry in self._listed)

    @property
    def room(self) -> int:
        """How many more files the build may give away."""
        return MAX_FILES - len(self._listed) - len(self._new)

    def file(self) -> Incoming:
        """Begin the next file."""
        incoming = Incoming(self._spool, self._place, self._next)
        self._next += 1
        self._new.append(incoming)
        return incoming

    def drop(self, incoming: Incoming) -> None:
        """Give up one file."""
        self._new.remove(incoming)
        incoming.delete()

    def describe(self, incoming: Incoming, **described: Any) -> None:
        """Say name, content_type, lifetime and mandatory of a file that is whole."""
        self._entries.append(incoming.entry(**described))

    def commit(self) -> None:
        """List all files that were described, beside those of earlier steps."""
        manifest.write(self._place, Manifest(self._owner.external_id, (*self._listed, *self._entries)))

    def discard(self) -> None:
        for incoming in self._new:
            incoming.delete()
        self._new.clear()
        self._entries.clear()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
