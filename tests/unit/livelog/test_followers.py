"""Any number of readers, whenever they come and whatever Buildbot does meanwhile, read the same."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.core.run import RunId, RunKey, TaskId
from bridge.engine.ports import Properties
from bridge.engine.transcript import Options, transcript
from bridge.flights import Flights
from bridge.livelog.address import Grant
from bridge.livelog.patience import AWAY, Patient
from bridge.livelog.sharing import Pieces, Shared
from tests.unit.engine.growing import unmasked
from tests.unit.engine.happening import Happening, happenings

GRANT = Grant(RunKey(TaskId("task"), RunId(0)), "main", 7, "task/0")


class Faulty:
    """A build whose Buildbot does not answer now and then, and takes its time when it does."""

    def __init__(self, build: Happening, faulty: list[bool], turns: list[int]) -> None:
        self.build, self.faulty, self.turns = build, faulty, turns

    async def _turn(self) -> None:
        for _ in range(self.turns.pop() if self.turns else 0):
            await asyncio.sleep(0)
        if self.faulty and self.faulty.pop():
            raise faults.Unavailable("away")

    async def record(self, build_id: int) -> BuildRecord:
        record = await self.build.record(build_id)
        await self._turn()
        return record

    async def properties(self, build_id: int) -> Properties:
        return {}

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        piece = await self.build.log_piece(build_id, log_id, first_line)
        await self._turn()
        return piece


class Followed:
    def __init__(self, builds: Faulty) -> None:
        self.builds, self.shared = builds, Shared(builds, unmasked, GRANT, lambda: 0.0, Flights(), Pieces())

    async def follow(self, late: int) -> str:
        text = ""

        async def say(line: str) -> None:
            nonlocal text
            text += line + "\n"

        async def wait(_seconds: float) -> None:
            self.builds.build.happen(1)
            await asyncio.sleep(0)

        for _ in range(late):
            await asyncio.sleep(0)
        patient = Patient(self.shared, wait, say, outage=1000)
        async for piece in transcript(patient, 7, str, Options(pause=lambda: wait(0))):
            text += piece
            await asyncio.sleep(0)
        return text.replace(AWAY + "\n", "")


@settings(deadline=None)  # how long it takes says how much else the machine has to do
@given(
    happenings(),
    st.lists(st.booleans(), max_size=20),
    st.lists(st.integers(0, 3), max_size=20),
    st.lists(st.integers(0, 30), min_size=1, max_size=4),
)
def test_all_followers_read_what_the_finished_log_has(
    build: Happening, faulty: list[bool], turns: list[int], late: list[int]
) -> None:
    async def all_of_them() -> tuple[list[str], str]:
        followed = Followed(Faulty(build, faulty, turns))
        build.chances.clear()  # followers of one build look when they like: only their waits move it on
        texts = await asyncio.gather(*(followed.follow(each) for each in late))
        return texts, "".join([text async for text in transcript(build, 7, str)])

    texts, later = asyncio.run(all_of_them())
    assert texts == [later] * len(late)
