"""The whole log of a build as plain text: what its steps wrote, in order, as it comes or when all is over.

Steps stand in the order of their numbers, which is the order in which Buildbot starts them; the logs of a step one after the
other in the order in which they were made, each to its end before the next. Who follows a running build and who reads it
afterwards get the same text. Hidden steps are part of it: whether a step is hidden is only known when it ends, and a
person who asks for the log wants to know what ran. What a command wrote stays as it is, colours and carriage returns too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bridge.core import faults
from bridge.core.record import BuildRecord, LogKind, LogPiece, LogState, StepState
from bridge.engine import headings
from bridge.engine.lines import Lines
from bridge.engine.ports import Redact


class Reading(Protocol):
    """Where builds are read, as `ports.Builds` has it."""

    async def record(self, build_id: int) -> BuildRecord:
        """Read a build with its steps. `Missing` once Buildbot has pruned it."""
        ...

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read some lines of a log, about half a megabyte at most. No lines and not complete: there are none yet."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a build is read.

    `pause` waits until it is worth looking for more; without it, what is there at the first look is all. `now` puts the time
    (UTC) before each line: that at which it was read, for Buildbot keeps none. Lines that were there at the first look have
    blanks in its place, and the lines about steps the time that Buildbot has on record.
    """

    pause: Callable[[], Awaitable[None]] | None = None
    now: Callable[[], datetime] | None = None


async def transcript(
    builds: Reading, build_id: int, redact: Redact, options: Options = Options()
) -> AsyncGenerator[str, None]:
    """Give the log in pieces of whole lines, each about as large as what `log_piece` gives at once; only one is held.

    Raises `Missing` when the build is not there (any more), and whatever else the reading raises; a single log that is
    missing is said so, and the rest goes on. A piece may hold lone surrogates, as what Buildbot was told may.
    """
    record = await builds.record(build_id)
    there = {log.log_id: log.lines for step in record.steps for log in step.logs}
    walk = _Walk(builds, options.pause, record, Lines(redact, options.now, there))
    async with aclosing(walk.build()) as pieces:
        async for text in pieces:
            yield text


@dataclass(slots=True)
class _Walk:
    """One way through a build. `record` is the build as last read; it moves on only in `_more`, and with it `steps`.

    A build may have thousands of steps: each is found by its number, without a look at the others.
    """

    builds: Reading
    pause: Callable[[], Awaitable[None]] | None
    record: BuildRecord
    lines: Lines
    steps: Mapping[int, StepState] = field(init=False)
    numbers: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        self._seen(self.record)

    def _seen(self, record: BuildRecord) -> None:
        self.record = record
        self.steps = {step.number: step for step in record.steps}
        self.numbers = sorted(self.steps)

    async def build(self) -> AsyncGenerator[str, None]:
        yield self.lines.told(headings.title(self.record), self.record.started_at)
        done = -1
        while (step := await self._next_step(done)) is not None:
            async with aclosing(self._step(step)) as pieces:
                async for text in pieces:
                    yield text
            done = step.number
        yield self.lines.told(headings.ending(self.record), self.record.complete_at)

    async def _next_step(self, done: int) -> StepState | None:
        """The step after `done`, once it has begun or it is certain that it never will."""
        while True:
            at = bisect_right(self.numbers, done)
            step = self.steps[self.numbers[at]] if at < len(self.numbers) else None
            if step is not None and (_begun(step) or self.record.complete_at is not None):
                return step
            if not await self._more():
                return None

    async def _more(self) -> bool:
        """Wait and read the build again; False if nothing will come, or nobody waits for it."""
        if self.pause is None or self.record.complete_at is not None:
            return False
        await self.pause()
        self._seen(await self.builds.record(self.record.build_id))
        return True

    async def _step(self, step: StepState) -> AsyncGenerator[str, None]:
        number, done = step.number, set[int]()
        yield self.lines.told(headings.step_header(step), step.started_at)
        while (log := await self._next_log(number, done)) is not None:
            if done or log.name != "stdio" or log.kind is LogKind.HTML:
                yield self.lines.told(headings.log_header(log), None)
            if log.kind is not LogKind.HTML:
                async with aclosing(self._log(number, log.log_id)) as pieces:
                    async for text in pieces:
                        yield text
            done.add(log.log_id)
        step = self._step_now(number)
        for line in headings.step_footer(step):
            yield self.lines.told(line, step.complete_at)

    async def _next_log(self, number: int, done: set[int]) -> LogState | None:
        """The step's next log; None once the step is over and all were read."""
        while True:
            step = self._step_now(number)
            left = [log for log in step.logs if log.log_id not in done]
            if left:
                return min(left, key=lambda log: log.log_id)
            if step.complete_at is not None or not await self._more():
                return None

    async def _log(self, number: int, log_id: int) -> AsyncGenerator[str, None]:
        """What a log holds, to its end."""
        at, rest = 0, ""
        try:
            while (piece := await self._next_piece(number, log_id, at)) is not None:
                whole, rest = _whole_lines(rest + piece.text)
                if whole:
                    yield self.lines.content(whole, log_id, at)
                at = piece.next_line
        except _LogGoneError as gone:
            yield self.lines.told(f"[this log cannot be read: {gone}]", None)
            return
        if rest:
            yield self.lines.content(rest + "\n", log_id, at)
        if (left := self._log_now(number, log_id).lines - at) > 0:
            yield self.lines.told(f"[Buildbot does not give the last {left} lines of this log]", None)

    async def _next_piece(self, number: int, log_id: int, at: int) -> LogPiece | None:
        """The lines from `at` on; None when there are no more and never will be.

        The log is only read when the record shows lines that were not read yet: who waits costs one call for each look.
        """
        while True:
            log = self._log_now(number, log_id)
            if at < log.lines:
                piece = await self._piece(log_id, at)
                if piece.next_line > at:
                    return piece
                if piece.complete:
                    return None
            elif log.complete:
                return None
            if not await self._more():
                return None

    async def _piece(self, log_id: int, at: int) -> LogPiece:
        try:
            return await self.builds.log_piece(self.record.build_id, log_id, at)
        except faults.Missing as fault:
            raise _LogGoneError(str(fault)) from fault

    def _step_now(self, number: int) -> StepState:
        if (step := self.steps.get(number)) is not None:
            return step
        raise faults.Missing(f"Buildbot does not show step {number} of build {self.record.build_id} any more")

    def _log_now(self, number: int, log_id: int) -> LogState:
        for log in self._step_now(number).logs:
            if log.log_id == log_id:
                return log
        raise _LogGoneError("Buildbot does not show it any more")


class _LogGoneError(Exception):
    """A single log cannot be read; the rest of the build can."""


def _whole_lines(text: str) -> tuple[str, str]:
    """The text up to its last line feed, and what is after it."""
    if text.endswith("\n"):
        return text, ""
    end = text.rfind("\n") + 1
    return text[:end], text[end:]


def _begun(step: StepState) -> bool:
    return step.started_at is not None or step.complete_at is not None
