"""A reader is told of an outage once, and reads on after it."""

import pytest

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.engine.transcript import transcript
from bridge.livelog.patience import AWAY, Patient
from tests.unit.engine.growing import GrowingBuild, finished


class Failing(GrowingBuild):
    """Fails when its turn is marked; `retry_after` is what it asks for."""

    turns = ""
    retry_after: float | None = None

    def _turn(self) -> None:
        turn, self.turns = self.turns[:1], self.turns[1:]
        if turn == "x":
            raise faults.Unavailable("away", retry_after=self.retry_after)

    async def record(self, build_id: int) -> BuildRecord:
        self._turn()
        return await super().record(build_id)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        self._turn()
        return await super().log_piece(build_id, log_id, first_line)


class Listening:
    def __init__(self, turns: str, retry_after: float | None = None) -> None:
        self.build = Failing()
        self.build.texts, self.build.record_now = finished().texts, finished().record_now
        self.build.turns, self.build.retry_after = turns, retry_after
        self.waits: list[float] = []
        self.text = ""

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def say(self, line: str) -> None:
        self.text += line + "\n"

    async def listen(self, outage: float = 100.0) -> str:
        async for text in transcript(Patient(self.build, self.wait, self.say, outage), 7, str):
            self.text += text
        return self.text


async def whole() -> str:
    return "".join([text async for text in transcript(finished(), 7, str)])


async def test_an_outage_is_told_once_where_it_was_and_nothing_is_lost_or_doubled() -> None:
    listening = Listening("..xxx.")
    text = await listening.listen()
    assert text.count(AWAY) == 1
    assert "line 2\n[the log goes on when Buildbot answers again]\nline 3\n" in text
    assert text.replace(AWAY + "\n", "") == await whole()


async def test_each_outage_is_told() -> None:
    listening = Listening("x..xx.x")
    text = await listening.listen()
    assert text.count(AWAY) == 3
    assert text.replace(AWAY + "\n", "") == await whole()


async def test_waits_double_up_to_a_quarter_of_a_minute() -> None:
    listening = Listening("x" * 8)
    await listening.listen()
    assert listening.waits == [1, 2, 4, 8, 15, 15, 15, 15]


async def test_what_buildbot_asks_for_is_obeyed() -> None:
    listening = Listening("xx", retry_after=40)
    await listening.listen()
    assert listening.waits == [40, 40]


async def test_patience_has_an_end() -> None:
    with pytest.raises(faults.Unavailable):
        await Listening("xx").listen(outage=0)


async def test_other_faults_are_not_waited_for() -> None:
    listening = Listening("")
    listening.build.build_id = 8
    with pytest.raises(faults.Missing):
        await listening.listen()
    assert listening.waits == []
