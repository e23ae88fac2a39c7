"""Builds in which anything happens at any moment."""

from collections.abc import Callable
from functools import partial

from hypothesis import strategies as st

from bridge.core.record import BuildRecord, LogKind, LogPiece
from tests.unit.engine.growing import GrowingBuild


class Happening(GrowingBuild):
    """A build in which things happen whenever it is read, as many as `chances` says, and more in each pause."""

    def prepare(self, draw: st.DrawFn) -> None:
        self.most = draw(st.integers(1, 4))
        self.acts: list[Callable[[], object]] = []
        logs = 0
        for number in range(draw(st.integers(0, 3))):
            self.acts.append(lambda: self.step(started=False))
            self.acts.append(partial(self.begin, number))
            mine: list[int] = []
            for _ in range(draw(st.integers(0, 8))):
                match draw(st.sampled_from(["log", "write", "write", "close"])):
                    case "log":
                        kind = draw(st.sampled_from(list(LogKind)))
                        name = draw(st.sampled_from(["stdio", "other"]))
                        self.acts.append(partial(self.log, number, name, kind))
                        mine.append(100 + logs)
                        logs += 1
                    case "write" if mine:
                        log, count = draw(st.sampled_from(mine)), draw(st.integers(1, 9))
                        self.acts.append(partial(self._lines, log, count))
                    case "close" if mine:
                        self.acts.append(partial(self.close, mine.pop()))
            self.acts.append(partial(self.end_step, number, link="x"))
        self.acts.append(self.end)
        self.last_look = True
        self.chances = draw(st.lists(st.integers(0, 3), max_size=40))

    def _lines(self, log: int, count: int) -> None:
        self.write(log, *(f"{log}: {len(self.texts[log]) + n}" for n in range(count)))

    def happen(self, most: int) -> None:
        for act in self.acts[:most]:
            act()
        self.acts = self.acts[most:]

    def _chance(self) -> None:
        self.happen(self.chances.pop() if self.chances else 0)

    async def record(self, build_id: int) -> BuildRecord:
        self._chance()
        record = await super().record(build_id)
        self._chance()
        return record

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        self._chance()
        piece = await super().log_piece(build_id, log_id, first_line)
        self._chance()
        return piece

    async def pause(self) -> None:
        assert not self.record_now.complete_at or self.last_look, "the build was seen to be over: nobody has to wait"
        self.last_look = self.record_now.complete_at is None
        self.happen(1)


@st.composite
def happenings(draw: st.DrawFn) -> Happening:
    build = Happening()
    build.prepare(draw)
    return build
