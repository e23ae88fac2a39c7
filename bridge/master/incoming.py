"""A file that is being written into the spool."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Protocol

from bridge.master.manifest import Entry


class Room(Protocol):
    def reserve(self, size: int) -> None: ...
    def give_back(self, size: int) -> None: ...


class Incoming:
    """One file that is being written: its length and hash are known at its end without reading it again."""

    def __init__(self, room: Room, place: Path, number: int) -> None:
        self.number = number
        self.size = 0
        self._room, self._path = room, place / str(number)
        self._hash = hashlib.sha256()
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0)

    def write(self, data: bytes) -> None:
        """Append; raises Full, also where the disk is full."""
        self._room.reserve(len(data))
        self.size += len(data)
        self._hash.update(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def finish(self) -> None:
        """Have the bytes on the disk."""
        os.fsync(self._file.fileno())
        self._file.close()

    def delete(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)
        self._room.give_back(self.size)
        self.size = 0

    def entry(self, **described: Any) -> Entry:
        return Entry(number=self.number, size=self.size, sha256=self._hash.hexdigest(), **described)
