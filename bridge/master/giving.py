"""Brings the files of one step from the worker into the spool."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from twisted.internet import defer, threads
from twisted.python import log

from bridge.master import artifact_names, upload
from bridge.master.artifact_names import Unusable
from bridge.master.incoming import Incoming
from bridge.master.sources import Finder, Found, Missing, Run
from bridge.master.spool import Spooling
from bridge.master.transcript import Transcript

_AT_ONCE: Final = 5
"""Files that wait for the disk; each may hold one of the ten threads that the master's process has for such things."""
_FULL: Final = "the spool is full"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a step is asked to give away; the meaning of the fields is that of the step's arguments."""

    source: str
    artifact: str | None
    content_type: object
    lifetime: int | None
    public: bool
    mandatory: bool


@dataclass(frozen=True, slots=True)
class Given:
    """How many files of how many bytes came, and how many did not."""

    files: int
    size: int
    unread: int


class Giving:
    """One step's way from worker to spool. `run` runs a command on the worker, or raises where the worker is gone."""

    def __init__(self, run: Run, workdir: str, path_module: Any, transcript: Transcript) -> None:
        self._run, self._workdir, self._transcript = run, workdir, transcript
        self._finder = Finder(run, workdir, path_module)

    async def give(self, wish: Wish, spooling: Spooling) -> Given:
        """Bring all that is wished for, without listing it yet; raises Missing or Unusable.

        A file that the worker cannot read is passed over and told of. Nothing is brought before all names are known to do.
        """
        found = await self._finder.find(wish.source, spooling.room)
        if not found.files:
            raise Missing(f"{wish.source!r} has no file")
        names = _names(wish, found, spooling.names)
        types = {path: artifact_names.content_type(path, wish.content_type) for path in names}
        for path in found.odd:
            await self._transcript.say(f"{path}: no regular file, passed over")
        came = await self._bring_all(list(names), spooling)
        for path, incoming in came.items():
            described = {"name": names[path], "content_type": types[path], "lifetime": wish.lifetime}
            spooling.describe(incoming, mandatory=wish.mandatory, **described)
            await self._transcript.say(f"{path} -> {names[path]} ({incoming.size} bytes)")
        size = sum(incoming.size for incoming in came.values())
        return Given(len(came), size, len(names) + len(found.odd) - len(came))

    async def _bring_all(self, paths: Sequence[str], spooling: Spooling) -> dict[str, Incoming]:
        """Bring one file after the other, for a worker runs one command at a time; returns those that came.

        While the next ones are on their way, those that came get to the disk.
        """
        came: dict[str, Incoming] = {}
        storing: deque[defer.Deferred[None]] = deque()
        try:
            for path in paths:
                incoming = await self._bring(path, spooling)
                if incoming is not None:
                    came[path] = incoming
                    storing.append(defer.Deferred.fromCoroutine(in_thread(incoming.finish)))
                while len(storing) >= _AT_ONCE:
                    await storing.popleft()
        finally:
            # Whatever it came to: nothing may be written any more when the files are given up.
            ended = await defer.DeferredList(storing, consumeErrors=True)
        for fine, failure in ended:
            if not fine:
                failure.raiseException()
        return came

    async def _bring(self, path: str, spooling: Spooling) -> Incoming | None:
        with _disk():
            incoming = spooling.file()
        writer = upload.Writer(incoming, lambda: _stop(command))
        command = upload.command(path, self._workdir, writer)
        try:
            await self._run(command)
        finally:
            await writer.settled()
        if writer.problem is not None:
            raise Unusable(writer.problem)
        if command.rc == 0:
            return incoming
        await in_thread(spooling.drop, incoming)
        await self._transcript.say(f"{path}: {command.stderr.strip() or 'the worker did not send it'}")
        return None


def _names(wish: Wish, found: Found, taken: frozenset[str]) -> dict[str, str]:
    if found.base is None:
        (path,) = found.files
        names = {path: artifact_names.of_file(path, wish.artifact, public=wish.public)}
    else:
        names = artifact_names.of_files(list(found.files), found.base, wish.artifact, public=wish.public)
    for name in names.values():
        if name in taken:
            raise Unusable(f"an earlier step of this build gave away an artifact {name!r} already")
    return names


def _stop(command: Any) -> None:
    command.interrupt(_FULL).addErrback(log.err, "while stopping the upload of a file")


async def in_thread(do: Callable[..., T], *arguments: Any) -> T:
    """Call what may wait for a disk; raises Unusable where the disk refuses."""
    with _disk():
        done: T = await threads.deferToThread(do, *arguments)
    return done


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unusable(f"the Buildbot master cannot write to its spool: {error.strerror}") from error
