"""One reader follows one build, to its end or to the reader's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from bridge.core import faults
from bridge.engine.transcript import Options, transcript
from bridge.livelog.patience import Patient
from bridge.livelog.readers import Reader
from bridge.livelog.refusals import EndingError, Refusal, refusal
from bridge.livelog.sharing import Shared


@dataclass(frozen=True, slots=True)
class Following:
    """How a build is followed. `ending` is set when the service ends; `outage` in seconds; `now` if lines bear times."""

    shared: Shared
    ending: asyncio.Event
    outage: float
    now: Callable[[], datetime] | None

    async def write_to(self, reader: Reader) -> Refusal | None:
        """Write the log as it comes; why it ended early, which the reader was told, or None.

        Raises SilentError if the reader does not read, ConnectionError if there is none.
        """
        try:
            await self._all(reader)
        except (EndingError, faults.Fault) as trouble:
            early = refusal(trouble)
            await reader.say(f"[{early.sentence}]")
            return early
        return None

    async def _all(self, reader: Reader) -> None:
        patient = Patient(self.shared, self._wait, reader.say, self.outage)
        options = Options(pause=self._pause, now=self.now)
        async with aclosing(transcript(patient, self.shared.grant.build_id, self.shared.redact, options)) as pieces:
            async for text in pieces:
                await reader.write(text)
                await asyncio.sleep(0)  # a log that is at hand and a reader who is quick shall not keep the others waiting
                await self._wait(0)

    async def _pause(self) -> None:
        await self._wait(self.shared.due)

    async def _wait(self, seconds: float) -> None:
        """Wait; raises EndingError as soon as the service ends."""
        if seconds and not self.ending.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self.ending.wait()
            except TimeoutError:
                return
        if self.ending.is_set():
            raise EndingError
