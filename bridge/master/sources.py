"""Finds on a worker what a step wants to give away, by the commands that every worker has."""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from buildbot.process.remotecommand import RemoteCommand
from twisted.internet import defer

from bridge.master.artifact_names import Unusable, fixed_part, is_pattern

_AT_ONCE: Final = 20
"""Looks at files under way; a worker answers each at once, so it is the way to it that is waited for."""
_MOST: Final = 50_000
"""Looks in all."""
Run = Callable[[RemoteCommand], Awaitable[Any]]


class Missing(Exception):  # noqa: N818 - its name is what happened
    """There is nothing of this name on the worker; the message says what was looked for."""


Identity = tuple[int, int]
"""Of a directory on its worker, whatever its path is: device and node."""


class Kind(Enum):
    FILE = auto()
    DIRECTORY = auto()
    OTHER = auto()
    """A pipe or a socket, on whose reading a worker would hang."""
    NOTHING = auto()
    """Also a link to nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker sees under a name, links followed; size in bytes."""

    kind: Kind
    size: int = 0
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Files by their paths relative to the workdir, with sizes in bytes; `base` is None for a file that was named."""

    files: Mapping[str, int]
    base: str | None
    odd: tuple[str, ...] = ()
    """What was found and is neither a regular file nor a directory."""


class Finder:
    """Looks below the workdir of one build. `run` runs a command on the worker, or raises where the worker is gone."""

    def __init__(self, run: Run, workdir: str, path_module: Any) -> None:
        self._run, self._workdir, self._path = run, workdir, path_module
        self._top: str | None = None
        self._looked = 0

    async def find(self, source: str, most: int) -> Found:
        """Find a file, the files of a directory with those of its directories, or what a pattern matches.

        `source` with `/` between its parts. Raises Missing, or Unusable where there are more files than `most`.
        """
        look = await self._look(source)
        match look.kind:
            case Kind.FILE:
                found = Found({source: look.size}, None)
            case Kind.DIRECTORY:
                found = _sorted_out(await self._below(source, frozenset({look.identity})), "" if source == "." else source)
            case Kind.OTHER:
                raise Unusable(f"{source!r} is neither a file nor a directory")
            case Kind.NOTHING if is_pattern(source):
                found = _sorted_out(await self._looks(await self._glob(source)), fixed_part(source))
            case Kind.NOTHING:
                raise Missing(f"there is no {source!r} in the workdir {self._workdir!r}")
        if len(found.files) > most:
            raise Unusable(f"{source!r} has {len(found.files)} files, and the build may give away {most} more")
        return found

    async def _below(self, directory: str, above: frozenset[Identity | None]) -> dict[str, Look]:
        """Look at everything in a directory and below it; a link that leads up again is not followed."""
        names = await self._listed(directory)
        if names is None:
            return {directory: Look(Kind.NOTHING)}
        found = await self._looks([name if directory == "." else f"{directory}/{name}" for name in names])
        for path, look in list(found.items()):
            if look.kind is Kind.DIRECTORY and (look.identity is None or look.identity not in above):
                found |= await self._below(path, above | {look.identity})
        return found

    async def _listed(self, directory: str) -> list[str] | None:
        command = RemoteCommand("listdir", {"dir": self._path.join(self._workdir, directory)})
        await self._run(command)
        names = _told(command, directory)
        return None if names is None else sorted(names)

    async def _looks(self, paths: Sequence[str]) -> dict[str, Look]:
        self._looked += len(paths)
        if self._looked > _MOST:
            raise Unusable(f"there are more than {_MOST} files and directories to look at")
        found: dict[str, Look] = {}
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            looks = [defer.Deferred.fromCoroutine(self._look(path)) for path in some]
            found |= zip(some, await _all(looks), strict=True)
        return found

    async def _glob(self, pattern: str) -> list[str]:
        """Match below the workdir; the paths that come are relative to it, with `/` between their parts."""
        if self._top is None:
            self._top = await self._absolute()
        top = self._top
        return sorted({path.removeprefix(top).strip("/") for path in await self._globbed(pattern)} - {""})

    async def _absolute(self) -> str:
        found = await self._globbed("")
        if not found:
            raise Unusable(f"the worker cannot match patterns in its workdir {self._workdir!r}")
        return found[0]

    async def _globbed(self, pattern: str) -> list[str]:
        command = RemoteCommand("glob", {"path": self._path.join(self._workdir, pattern)})
        await self._run(command)
        found = _told(command, pattern) or []
        return [path.replace("\\", "/") for path in found] if self._path.sep == "\\" else found

    async def _look(self, path: str) -> Look:
        command = RemoteCommand("stat", {"file": path, "workdir": self._workdir})
        await self._run(command)
        if command.rc != 0:
            return Look(Kind.NOTHING)
        seen = command.updates["stat"][-1]
        identity = int(seen[stat.ST_DEV]), int(seen[stat.ST_INO])
        # A system that has no such numbers says 0.
        return Look(_kind(int(seen[stat.ST_MODE])), int(seen[stat.ST_SIZE]), identity if identity[1] else None)


def _told(command: RemoteCommand, where: str) -> list[str] | None:
    """Give the names that a worker tells of, None where it cannot look; raises Unusable."""
    if command.rc != 0:
        return None
    if not command.updates["files"]:
        # The protocol carries text only: a worker then says that all went well, and no names.
        raise Unusable(f"a name in {where!r} is not UTF-8, and the worker cannot tell of it")
    return list(command.updates["files"][-1])


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    return Kind.DIRECTORY if stat.S_ISDIR(mode) else Kind.OTHER


def _sorted_out(looks: Mapping[str, Look], base: str) -> Found:
    files = {path: looks[path].size for path in sorted(looks) if looks[path].kind is Kind.FILE}
    odd = tuple(path for path in sorted(looks) if looks[path].kind in {Kind.OTHER, Kind.NOTHING})
    return Found(files, base, odd)


async def _all(looks: list[Any]) -> list[Look]:
    try:
        found: list[Look] = await defer.gatherResults(looks, consumeErrors=True)
    except defer.FirstError as first:
        first.subFailure.raiseException()  # a lost worker is known by the kind of the error
        raise
    return found
