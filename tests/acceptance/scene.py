"""What a test works with: the stack, the gates of its builds, and the judgement at its end."""

import asyncio
import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.history.judge import judge
from tests.sandbox import checker
from tests.sandbox.stack import PATIENCE, Stack, by_the_bridge

Json = dict[str, Any]
_LAST = 60  # lines of each log that a failed test shows
BUILDERS = Path(__file__).with_name("builders.cfg")


def builders(gates: Path) -> str:
    """The middle part of the master.cfg, with gates in this directory."""
    return f"GATES = {str(gates)!r}\n{BUILDERS.read_text()}"


class Scene:
    """One test's view of a stack; it remembers the tasks that the test made."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.gates = stack.directory / "gates"
        self.tasks: list[str] = []
        self.cancelled_by_people: set[str] = set()

    # --- Taskcluster

    async def task(self, builder: str = "gate", **more: Any) -> str:
        """Create a task."""
        task = await self.stack.create(builder, **more)
        self.tasks.append(task)
        return task

    async def run(self, task: str, state: str, run: int = 0, *, within: float = PATIENCE) -> Json:
        """Wait until a run is in this state; the run."""
        return await self.stack.until(task, state, run=run, within=within)

    async def running(self, *builder_of_task: str, **more: Any) -> list[str]:
        """Tasks whose builds stand at their gates and whose runs are claimed."""
        tasks = [await self.task(builder, **more) for builder in builder_of_task]
        for task in tasks:
            await self.run(task, "running")
            await self.at_gate(task)
        return tasks

    async def calls(self, task: str, *apis: str) -> list[Json]:
        """The bridge's calls about a task, oldest first; all, or those of these kinds."""
        found = (await self.stack.control("GET", f"journal?taskId={task}"))["entries"]
        return [call for call in found if by_the_bridge(call) and call["api"] in (apis or (call["api"],))]

    async def history(self, task: str, run: int = 0) -> list[Json]:
        """All changes of a run."""
        found = (await self.stack.control("GET", f"history?taskId={task}"))["transitions"]
        return [change for change in found if change["runId"] == run]

    async def log(self, task: str, run: int = 0) -> str:
        """The log in plain words."""
        return await self.stack.artifact(task, run, "public/logs/live.log")

    async def properties(self, task: str, run: int = 0) -> Json:
        """The build's properties as published."""
        return json.loads(await self.stack.artifact(task, run, "public/properties.json"))

    # --- Buildbot

    async def request(self, task: str, run: int = 0, *, complete: bool = False) -> Json:
        """Wait for the run's own build request, or for its completion; exactly one."""

        async def there() -> Json | None:
            found = await self.requests(task, run)
            assert len(found) < 2, found
            return found[0] if found and (found[0]["complete"] or not complete) else None

        return await self.stack.eventually(there, f"build request of {task}/{run}{' complete' if complete else ''}")

    async def requests(self, task: str, run: int = 0) -> list[Json]:
        """The build requests that carry the run's key, rebuilds left out."""
        return [request for request in await self.stack.requests(task) if request["key"] == f"{task}/{run}"]

    async def builds(self, task: str, run: int = 0) -> list[Json]:
        """The builds of the run's own request, oldest first."""
        return (await self.request(task, run))["builds"]

    # --- gates

    async def at_gate(self, task: str, run: int = 0, *, build: int | None = None) -> Path:
        """Wait until a build of the request made for this run stands at its gate: the newest, or the n-th from 1."""

        async def there() -> Path | None:
            return self.gate(task, run, build=build)

        return await self.stack.eventually(there, f"a build of {task}/{run} at its gate")

    def gate(self, task: str, run: int = 0, *, build: int | None = None) -> Path | None:
        """The gate of such a build, if one was ever there."""
        found = sorted(self.gates.glob(f"{task}.{run}.*"), key=lambda path: int(path.suffix[1:]))
        return found[(build or len(found)) - 1] if len(found) >= (build or 1) else None

    async def let(self, task: str, code: int = 0, *, run: int = 0, build: int | None = None) -> None:
        """Let the build end with this exit status, which is Buildbot's result."""
        gate = await self.at_gate(task, run, build=build)

        async def written() -> bool:
            try:
                pipe = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False  # nobody reads yet
            try:
                return os.write(pipe, f"{code}\n".encode()) > 0
            finally:
                os.close(pipe)

        await self.stack.eventually(written, f"the build behind {gate.name} reads")

    # --- the bridge's own word

    async def row(self, task: str, run: int = 0) -> Json | None:
        """The run's row."""
        found = await self.stack.rows("SELECT * FROM runs WHERE task_id = $1 AND run_id = $2", task, run)
        return dict(found[0]) if found else None

    async def phase(self, task: str, phase: str, run: int = 0) -> Json:
        """Wait until the run's row is in a phase; the row."""

        async def there() -> Json | None:
            row = await self.row(task, run)
            return row if row is not None and row["phase"] == phase else None

        return await self.stack.eventually(there, f"row of {task}/{run} {phase}")

    async def metric(self, name: str, **labels: str) -> float:
        """A metric's value, added up over all services and all label values that are not given."""
        texts = await asyncio.gather(*(self._metrics(service) for service in self.stack.services))
        return sum(_value(line, name, labels) for text in texts for line in text.splitlines())

    async def _metrics(self, service: str) -> str:
        async with self.stack.http.get(f"{self.stack.address(service)}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    def logged(self, *words: str) -> list[str]:
        """The services' log lines in which all these words are."""
        lines = (line for child in self.stack.services.values() for line in child.log.splitlines())
        return [line for line in lines if all(word in line for word in words)]

    # --- the end

    async def over(self, *tasks: str, allowed: dict[int, set[str]] | None = None, within: float = PATIENCE) -> None:
        """Wait until nothing is left to do for the test's tasks, then have the history of both sides judged."""
        mine = tasks or tuple(self.tasks)
        await self.stack.settled(*mine, within=within)
        evidence = await checker.gather(self.stack, mine)
        left = [key for key, requests in evidence.requests.items() for each in requests if not each["complete"]]
        wrong = judge(evidence, allowed=allowed, cancelled_by_people=self.cancelled_by_people)
        wrong += [f"the request of {key} is open" for key in left]
        assert not wrong, "\n".join([*wrong, *await self._told(mine)])

    async def witness(self) -> list[str]:
        """What everybody noted of the test's tasks, and the ends of all logs, for whoever reads a failure."""
        lines = [f"Buildbot: {request}" for each in (await self.stack.requests_of(self.tasks)).values() for request in each]
        for task in self.tasks:
            lines += [
                f"queue: {change}" for change in (await self.stack.control("GET", f"history?taskId={task}"))["transitions"]
            ]
            lines += [f"call: {call}" for call in await self.calls(task)]
        for log in sorted(self.stack.directory.rglob("*.log")):
            lines += [f"{log.stem}: {line}" for line in log.read_text(errors="replace").splitlines()[-_LAST:]]
        return [*await self._told(self.tasks), *lines]

    async def _told(self, tasks: Collection[str]) -> list[str]:
        """All that the bridge noted of these tasks, for whoever reads the failure."""
        query = "SELECT * FROM transitions WHERE task_id = ANY ($1::text[]) ORDER BY task_id, at"
        rows = await self.stack.rows(query, list(tasks))
        return [
            f"{r['at']:%H:%M:%S.%f} {r['task_id']}/{r['run_id']} → {r['to_phase']}: {r['because']} [{r['who']}]"
            for r in rows
        ]


async def cancel_all(stack: Stack) -> None:
    """Cancel every task that is not resolved."""
    for state in ("unscheduled", "pending", "running"):
        for each in (await stack.control("GET", f"tasks?state={state}"))["tasks"]:
            await stack.queue.cancelTask(each["status"]["taskId"])


async def all_settled(stack: Stack) -> None:
    """Wait until no run of any test is unsettled."""
    left: list[str] = []

    async def clean() -> bool:
        left[:] = [str(dict(row)) for row in await stack.rows("SELECT * FROM runs WHERE phase <> 'settled'")]
        return not left

    try:
        await stack.eventually(clean, "every run settled", 90)
    except AssertionError as error:
        raise AssertionError(f"{error}; left: {left}") from error


def _value(line: str, name: str, labels: dict[str, str]) -> float:
    found = re.fullmatch(rf"buildbot_bridge_{name}(?:\{{(.*)\}})? (\S+)", line)
    if found is None or any(f'{label}="{value}"' not in (found[1] or "") for label, value in labels.items()):
        return 0.0
    return float(found[2])
