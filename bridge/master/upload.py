"""Brings one file from a worker into the spool, block by block, each written before the worker sends the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from buildbot.process.remotecommand import RemoteCommand
from buildbot.util import unicode2bytes
from buildbot.worker.protocols.base import FileWriterImpl
from twisted.internet import defer, threads

from bridge.master.incoming import Incoming
from bridge.master.spool import Full

_BLOCK: Final = 256 << 10
_SMALL: Final = 32 << 10
"""Bytes that are hashed and handed to the disk's cache in less time than a thread takes to begin."""


class Writer(FileWriterImpl):
    """What the worker writes to. It hashes and writes, large blocks in threads; after a failure it takes nothing more.

    `close` is told by a worker at the end of a broken transfer too, so it means nothing: the command's result counts.
    """

    def __init__(self, incoming: Incoming, failed: Callable[[], None]) -> None:
        self.problem: str | None = None
        """Why the master takes nothing more."""
        self._incoming, self._failed = incoming, failed
        self._lock = defer.DeferredLock()

    def remote_write(self, data: Any) -> defer.Deferred[None]:
        """Append a block; the worker sends the next one when this is done."""
        return self._lock.run(defer.Deferred.fromCoroutine, self._write(unicode2bytes(data)))

    def remote_close(self) -> None: ...

    async def _write(self, data: bytes) -> None:
        if self.problem is not None:
            return
        try:
            if len(data) > _SMALL:
                await threads.deferToThread(self._incoming.write, data)
            else:
                self._incoming.write(data)
        except Full as full:
            self.problem = str(full)
        except OSError as error:
            self.problem = f"the Buildbot master cannot write to its spool: {error.strerror}"
        if self.problem is not None:
            self._failed()

    async def settled(self) -> None:
        """Wait for the block that is being written, also where the worker is gone."""
        await self._lock.run(lambda: None)


def command(path: str, workdir: str, writer: Writer) -> RemoteCommand:
    """Give the command by which a worker sends a file to a writer."""
    arguments = {
        "workdir": workdir,
        "workersrc": path,
        "writer": writer,
        "maxsize": None,
        "blocksize": _BLOCK,
        "keepstamp": False,
    }
    return RemoteCommand("uploadFile", arguments, collectStderr=True)
