"""What a build gave away, as it is listed beside its files: on the disk wholly or not at all, whatever happens."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

NAME: Final = "manifest.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    name: str
    content_type: str
    lifetime: int | None
    """Seconds; None for as long as the task."""
    mandatory: bool
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Owner:
    """A build, and the run for which its request was made."""

    build_id: int
    external_id: str


@dataclass(frozen=True, slots=True)
class Manifest:
    external_id: str
    outputs: tuple[Entry, ...]


def read(directory: Path) -> Manifest | None:
    """Read the manifest of a build's directory; None where there is none that this version understands."""
    path = directory / NAME
    try:
        seen = path.stat()
        return _parsed(path, seen.st_ino, seen.st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=16)
def _parsed(path: Path, _inode: int, _changed: int) -> Manifest | None:
    """Remembered: each file of thousands is asked for by itself, and a manifest is replaced, never changed."""
    said: dict[str, Any] = json.loads(path.read_bytes())
    if said["version"] != _VERSION:
        return None
    return Manifest(said["external_id"], tuple(Entry(**each) for each in said["outputs"]))


def write(directory: Path, manifest: Manifest) -> None:
    """Replace the manifest, after all that was written to the directory."""
    said = {"version": _VERSION, **asdict(manifest)}
    temporary = directory / f"{NAME}.new"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(json.dumps(said).encode())
        file.flush()
        os.fsync(file.fileno())
    _sync(directory)
    temporary.replace(directory / NAME)
    _sync(directory)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
