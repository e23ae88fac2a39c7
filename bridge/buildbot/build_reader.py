"""What a single build shows and gives away, read from the plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bridge.buildbot.errors import NoSuchPath, NotFound, Unavailable
from bridge.buildbot.exchange import Exchange
from bridge.buildbot.record_messages import LogHeaders, OutputsAnswer, RecordAnswer, ReleasedAnswer
from bridge.core.record import BuildRecord, LogPiece, Output

_RECORD: Final = TypeAdapter(RecordAnswer)
_OUTPUTS: Final = TypeAdapter(OutputsAnswer)
_RELEASED: Final = TypeAdapter(ReleasedAnswer)


class BuildReader:
    """The builds of one master, each by its number. A build that is not of the bridge, or pruned, is `NotFound`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def record(self, build_id: int) -> BuildRecord:
        """Read a build with its steps and their logs so far; `NotFound` too where the plugin is too old to tell."""
        try:
            record = (await self._exchange.call(_RECORD, "GET", f"builds/{build_id}/steps")).value()
        except NoSuchPath as older:
            raise NotFound(f"the plugin is older than this bridge: {older}") from older
        if record.build_id != build_id:
            raise Unavailable(f"the plugin answered for build {record.build_id}, not for {build_id}")
        return record

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read some whole lines of a log from line `first_line` on, about 512 KiB at most."""
        path = f"builds/{build_id}/logs/{log_id}"
        text, headers = await self._exchange.bulk.text(path, {"first": str(first_line)})
        try:
            said = LogHeaders.model_validate({name: headers.get(name) for name in ("X-Next-Line", "X-Complete")})
        except ValidationError:
            raise Unavailable(f"GET {path}: not the plugin's answer: its headers do not tell of lines") from None
        if said.next_line < first_line or text.count("\n") > said.next_line - first_line:
            raise Unavailable(f"GET {path}: the lines do not follow line {first_line}")
        return LogPiece(text, said.next_line, said.complete == "true")

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        """Read which files the master keeps for the build's task, by rising number; none where the plugin knows of none."""
        try:
            return (await self._exchange.call(_OUTPUTS, "GET", f"builds/{build_id}/outputs")).value()
        except NoSuchPath:
            return ()

    def output(self, build_id: int, number: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open one of these files for reading; `Unavailable` where it breaks off before its announced end."""
        return self._exchange.bulk.chunks(f"builds/{build_id}/outputs/{number}")

    async def release(self, build_id: int) -> None:
        """Let the master forget these files; repeatable."""
        await self._exchange.call(_RELEASED, "DELETE", f"builds/{build_id}/outputs")
