"""A build may be odd in its size: it costs its own log some time, and others none."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from bridge.core.record import BuildRecord, LogPiece, StepState
from bridge.engine.logfile import written
from bridge.engine.transcript import transcript

AT = datetime(2026, 1, 1, tzinfo=UTC)
OVER = AT + timedelta(minutes=1)


class Stepping:
    """A build of so many steps without logs."""

    def __init__(self, steps: int) -> None:
        self.known = BuildRecord(
            7, 1, "b", "w", "x", AT, OVER, 0, "", tuple(StepState(n, "s", AT, OVER, 0, "") for n in range(steps))
        )

    async def record(self, build_id: int) -> BuildRecord:
        return self.known

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        raise AssertionError("there are no logs")


async def cost(steps: int) -> float:
    """CPU seconds for the log of a build of so many steps; the least of three, as other work may come between."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        async with written(transcript(Stepping(steps), 7, str), encoded=True):
            taken.append(time.process_time() - began)
    return min(taken)


async def test_the_cost_of_a_log_grows_with_the_steps_and_no_faster() -> None:
    assert await cost(8000) < 8 * max(await cost(2000), 0.01)


async def test_others_have_their_turns_while_thousands_of_steps_are_told() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    async with written(transcript(Stepping(1000), 7, str), encoded=True):
        beside.cancel()
    assert turns > 1000
