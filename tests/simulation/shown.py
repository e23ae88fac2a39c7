"""What the plugin tells of single builds: each has one step with one log, and the files that were spooled for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bridge.buildbot import errors
from bridge.core.record import BuildRecord, LogKind, LogPiece, LogState, Output, StepState
from tests.simulation.buildbot import Build, Master, Request

_CHUNK = 1 << 16
_STEP, _LOG = 0, "stdio"


class Shown:
    """The calls about single builds, over a master. `ask` makes one call, which a fault may meet."""

    def __init__(self, master: Master, ask: Callable[[str, Callable[[], Any]], Awaitable[Any]]) -> None:
        self._master, self._ask = master, ask

    def _found(self, build_id: int) -> tuple[Request, Build]:
        for request in self._master.ours():
            for build in request.builds:
                if build.id == build_id:
                    return request, build
        raise errors.NotFound(f"build {build_id}")

    async def record(self, build_id: int) -> BuildRecord:
        return await self._ask("record", lambda: self._record(*self._found(build_id)))

    def _record(self, request: Request, build: Build) -> BuildRecord:
        state = next(each for each in self._master.state(request).builds if each.build_id == build.id)
        over = build.ended is not None
        log = LogState(build.id, _LOG, LogKind.STDIO, len(_lines(build)), over)
        step = StepState(_STEP, "work", state.started_at, state.complete_at, build.results, state.state_string, logs=(log,))
        return BuildRecord(
            build_id=build.id,
            number=build.id,
            builder=request.builder,
            worker=build.worker,
            external_id=request.key,
            started_at=state.started_at,
            complete_at=state.complete_at,
            results=build.results,
            state_string=state.state_string,
            steps=(step,),
        )

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        return await self._ask("log", lambda: self._piece(self._found(build_id)[1], log_id, first_line))

    def _piece(self, build: Build, log_id: int, first_line: int) -> LogPiece:
        if log_id != build.id:
            raise errors.NotFound(f"log {log_id} of build {build.id}")
        lines = _lines(build)
        text = "".join(f"{line}\n" for line in lines[first_line:])
        return LogPiece(text, max(first_line, len(lines)), build.ended is not None)

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        return await self._ask("outputs", lambda: tuple(output for output, _ in self._found(build_id)[1].spool.values()))

    @asynccontextmanager
    async def output(self, build_id: int, number: int) -> AsyncIterator[AsyncIterator[bytes]]:
        body = await self._ask("output", lambda: self._body(build_id, number))
        yield self._chunks(body)

    def _body(self, build_id: int, number: int) -> bytes:
        spool = self._found(build_id)[1].spool
        if number not in spool:
            raise errors.NotFound(f"output {number} of build {build_id}")
        return spool[number][1]

    async def _chunks(self, body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), _CHUNK):
            yield await self._ask("chunk", partial(body.__getitem__, slice(start, start + _CHUNK)))

    async def release(self, build_id: int) -> None:
        await self._ask("release", lambda: self._release(self._found(build_id)[1]))

    def _release(self, build: Build) -> None:
        build.spool.clear()


def _lines(build: Build) -> list[str]:
    return [f"on {build.worker}", *(["ended"] if build.ended is not None else [])]
