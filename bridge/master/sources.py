"""Finds on a worker what a step wants to give away, by the commands that every worker has."""

from __future__ import annotations

import glob
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from buildbot.process.remotecommand import RemoteCommand
from twisted.internet import defer

from bridge.master.artifact_names import Unusable, fixed_part, is_pattern

_AT_ONCE: Final = 20
"""Looks at files under way; a worker answers each at once, so it is the way to it that is waited for."""
Run = Callable[[RemoteCommand], Awaitable[Any]]


class Missing(Exception):  # noqa: N818 - its name is what happened
    """There is nothing of this name on the worker; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """Files by their paths relative to the workdir, with sizes in bytes; `base` is None for a file that was named."""

    files: Mapping[str, int]
    base: str | None
    odd: tuple[str, ...] = ()
    """What was found and is no regular file."""


class Finder:
    """Looks below the workdir of one build. `run` runs a command on the worker, or raises where the worker is gone."""

    def __init__(self, run: Run, workdir: str, path_module: Any) -> None:
        self._run, self._workdir, self._path = run, workdir, path_module
        self._top: str | None = None

    async def find(self, source: str, most: int) -> Found:
        """Find a file, the files of a directory with those of its directories, or what a pattern matches.

        `source` with `/` between its parts. Raises Missing, or Unusable where there are more than `most`.
        """
        mode, size = await self._look(source)
        if mode is not None and stat.S_ISREG(mode):
            return Found({source: size}, None)
        if mode is not None and stat.S_ISDIR(mode):
            return await self._regular(await self._below(source), "" if source == "." else source, most)
        if mode is not None:
            raise Unusable(f"{source!r} is neither a file nor a directory")
        if not is_pattern(source):
            raise Missing(f"there is no {source!r} in the workdir {self._workdir!r}")
        return await self._regular(await self._matches(source), fixed_part(source), most)

    async def _regular(self, paths: Sequence[str], base: str, most: int) -> Found:
        if len(paths) > most:
            raise Unusable(f"{len(paths)} files are more than a build may give away ({most} left)")
        files: dict[str, int] = {}
        odd: list[str] = []
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            looks = [defer.Deferred.fromCoroutine(self._look(path)) for path in some]
            for path, (mode, size) in zip(some, await _all(looks), strict=True):
                if mode is not None and stat.S_ISREG(mode):
                    files[path] = size
                else:
                    odd.append(path)  # a pipe or a socket, on whose reading a worker would hang; a link to nothing
        return Found(files, base, tuple(odd))

    async def _below(self, directory: str) -> list[str]:
        """List everything in a directory and below it that is no directory.

        A worker's `**` passes hidden names over, so those are asked for by themselves, level by level.
        """
        inside = "" if directory == "." else f"{glob.escape(directory)}/"
        found = await self._matches(f"{inside}**") + await self._matches(f"{inside}**/.*")
        for hidden in await self._glob(f"{inside}**/.*/"):
            found += await self._below(hidden)
        return sorted(set(found))

    async def _matches(self, pattern: str) -> list[str]:
        """List what matches and is no directory."""
        directories = set(await self._glob(f"{pattern}/"))
        return [path for path in await self._glob(pattern) if path not in directories]

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
        found = list(command.updates["files"][-1]) if command.rc == 0 else []
        return [path.replace("\\", "/") for path in found] if self._path.sep == "\\" else found

    async def _look(self, path: str) -> tuple[int | None, int]:
        command = RemoteCommand("stat", {"file": path, "workdir": self._workdir})
        await self._run(command)
        if command.rc != 0:
            return None, 0
        seen = command.updates["stat"][-1]
        return int(seen[stat.ST_MODE]), int(seen[stat.ST_SIZE])


async def _all(looks: list[Any]) -> list[tuple[int | None, int]]:
    try:
        found: list[tuple[int | None, int]] = await defer.gatherResults(looks, consumeErrors=True)
    except defer.FirstError as first:
        first.subFailure.raiseException()  # a lost worker is known by the kind of the error
        raise
    return found
