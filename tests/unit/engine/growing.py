"""A build in memory that grows as Buildbot's builds do, and is read as they are."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bridge.core import faults
from bridge.core.record import BuildRecord, LogKind, LogPiece, LogState, StepState
from bridge.engine.ports import Properties, Redact

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass
class GrowingBuild:
    """One build. Nothing of it is there before it was done; `calls` names each reading."""

    external_id: str = "task/0"
    build_id: int = 7
    most: int = 3
    """Lines in one piece."""
    record_now: BuildRecord = field(init=False)
    texts: dict[int, list[str]] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    properties_now: dict[str, tuple[object, str]] = field(default_factory=dict)
    clock: datetime = START

    def __post_init__(self) -> None:
        self.record_now = BuildRecord(
            build_id=self.build_id,
            number=12,
            builder="linux64",
            worker="w-1",
            external_id=self.external_id,
            started_at=START,
            complete_at=None,
            results=None,
            state_string="building",
        )

    # --- what happens in Buildbot

    def tick(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def step(self, name: str = "compile", *, started: bool = True) -> int:
        number = len(self.record_now.steps)
        step = StepState(number, name, self.tick() if started else None, None, None, "running")
        self.record_now = replace(self.record_now, steps=(*self.record_now.steps, step))
        return number

    def begin(self, number: int) -> None:
        self._change(number, started_at=self.tick())

    def log(self, number: int, name: str = "stdio", kind: LogKind = LogKind.STDIO) -> int:
        log_id = 100 + len(self.texts)
        self.texts[log_id] = []
        self._change(number, logs=(*self.record_now.steps[number].logs, LogState(log_id, name, kind, 0, complete=False)))
        return log_id

    def write(self, log_id: int, *lines: str) -> None:
        self.texts[log_id] += [f"{line}\n" for line in lines]
        self._change_log(log_id, lines=len(self.texts[log_id]))

    def close(self, log_id: int) -> None:
        self._change_log(log_id, complete=True)

    def end_step(self, number: int, results: int = 0, *, hidden: bool = False, **urls: str) -> None:
        for log in self.record_now.steps[number].logs:
            self.close(log.log_id)
        self._change(number, complete_at=self.tick(), results=results, state_string="done", hidden=hidden, urls=urls)

    def end(self, results: int = 0) -> None:
        self.record_now = replace(self.record_now, complete_at=self.tick(), results=results, state_string="all done")

    def _change(self, number: int, **changes: object) -> None:
        steps = [replace(step, **changes) if step.number == number else step for step in self.record_now.steps]
        self.record_now = replace(self.record_now, steps=tuple(steps))

    def _change_log(self, log_id: int, **changes: object) -> None:
        for step in self.record_now.steps:
            if any(log.log_id == log_id for log in step.logs):
                logs = tuple(replace(log, **changes) if log.log_id == log_id else log for log in step.logs)
                self._change(step.number, logs=logs)

    # --- how it is read

    async def record(self, build_id: int) -> BuildRecord:
        self.calls.append("record")
        if build_id != self.build_id:
            raise faults.Missing(f"no build {build_id}")
        return self.record_now

    async def properties(self, build_id: int) -> Properties:
        self.calls.append("properties")
        return dict(self.properties_now)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        assert build_id == self.build_id
        self.calls.append(f"log {log_id} from {first_line}")
        if log_id in self.gone:
            raise faults.Missing(f"no log {log_id}")
        lines = self.texts[log_id][first_line : first_line + self.most]
        (complete,) = (log.complete for step in self.record_now.steps for log in step.logs if log.log_id == log_id)
        after = first_line + len(lines)
        return LogPiece("".join(lines), after, complete and after == len(self.texts[log_id]))


def unmasked(_properties: Properties) -> Redact:
    """For logs in which nothing is secret."""
    return str


def finished() -> GrowingBuild:
    """A build of two steps with three logs, that is over."""
    build = GrowingBuild()
    number = build.step("shell")
    log = build.log(number)
    build.write(log, *(f"line {n}" for n in range(8)))
    build.end_step(number)
    number = build.step("test")
    log, other = build.log(number), build.log(number, "report", LogKind.TEXT)
    build.write(other, "42 tests")
    build.write(log, "testing")
    build.end_step(number, 2, coverage="https://example.org/c")
    build.end(2)
    return build
