"""Scenario files on real servers: their steps are done or waited for, and they are judged as a replay is.

A file's times have no meaning here but their order. Before each step whose time is later than that of the step before, the
servers must have come to what a replay of the same file shows at that time: so the bridge of the replay and the one that
runs here must agree at each step, and not only at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from bridge.core.run import TaskId
from bridge.core.verdict import Results
from bridge.scenario import Scenario, differences, parse
from bridge.scenario.judging import Witness, checked
from bridge.scenario.playing import Player
from bridge.scenario.recording import record
from bridge.scenario.steps import AnyStep, OfBridge, OfBuildbot, OfCheck, OfTaskcluster
from bridge.scenario.writing import written
from bridge.store import database
from bridge.store.people import People
from bridge.store.runs import Runs
from tests.acceptance import onlooker
from tests.acceptance.scene import Json, Scene
from tests.sandbox.stack import Stack

DEADLINES = (10, 25, 60, 150)
"""Seconds that tasks are given which must be in some state before their deadline; more on a slow machine."""
GATED = frozenset({"gate", "single", "quarantined", "once", "stubborn", "talking"})
"""The builders whose builds wait to be let go."""
_SLOW = {"CANCELLED": 2}
"""What a build that does not listen says in the end: a build cannot end CANCELLED by itself."""


class Absence:
    """The bridge's services, killed once all who play with them have come to it, and started again in the same way."""

    def __init__(self, stack: Stack, players: int) -> None:
        self.stack = stack
        self.gone, self.there = asyncio.Barrier(players), asyncio.Barrier(players)

    async def begin(self) -> None:
        """Wait for the others; then no service runs."""
        if await self.gone.wait() == 0:
            await asyncio.gather(*(self.stack.kill_service(name) for name in list(self.stack.services)))
        await self.gone.wait()

    async def end(self) -> None:
        """Wait for the others; then all services run."""
        if await self.there.wait() == 0:
            await self.stack.start_services()
        await self.there.wait()

    async def give_up(self) -> None:
        """Who fails does not keep the others waiting."""
        await self.gone.abort()
        await self.there.abort()


class LateError(Exception):
    """A deadline has passed before the task was where it should be by then."""


class Stage:
    """One scenario in one scene. `ids`: the tasks by the scenario's names."""

    def __init__(self, scene: Scene, scenario: Scenario, deadline: int, away: Absence | None = None) -> None:
        self.scene, self.stack, self.scenario = scene, scene.stack, scenario
        self.deadline, self.away = deadline, away
        self.back: timedelta | None = None
        self.ids: dict[str, str] = {}
        self.passed: set[str] = set()
        self.builds: dict[tuple[str, int], int] = {}

    async def perform(self) -> None:
        """Do all steps, then have the end judged."""
        replay = await Player(self.scenario).play()
        assert replay.differences == []
        before = None
        for place, step in enumerate(self.scenario.steps):
            if self.back is not None and step.at >= self.back:
                await self.come_back()
            if _is_deadline(step):
                await self.come_to(replay.after[place - 1])  # by then a replay shows what follows from it
            elif step.at != before:
                await self.come_to(replay.before[place])
            before = step.at
            await self.do(step)
        if self.back is not None:
            await self.come_back()
        await self.scene.over()
        await self.come_to(replay.tasks)
        await self.recorded()
        wrong = [f"{name}: {each}" for name in self.scenario.expect for each in await self.differing(name)]
        assert not wrong, "\n".join(wrong)

    async def recorded(self) -> None:
        """The history of each task, recorded, goes as it went here."""
        async with database.opened(self.stack.dsn) as opened:
            for task in self.ids.values():
                rows = await Runs(opened, "a test", ("demo",)).of_task(TaskId(task))
                history = await People(opened).history(task)
                recording = parse(written(await asyncio.to_thread(record, "recorded", rows, history)), "the recording")
                assert not [note for note in recording.notes if "differs" in note], written(recording)

    async def differing(self, name: str) -> list[str]:
        expected = self.scenario.expect[name]
        logs = {number for number, run in expected.runs.items() if run.log}
        return differences(onlooker.seen_here(expected), onlooker.without_reclaims(await self.witness(name, logs)))

    # --- waiting

    async def come_to(self, shown: Mapping[str, Witness]) -> None:
        """Wait until each task has come at least as far as a replay shows."""
        for name, wanted in shown.items():
            if name in self.ids:
                await self.wait(name, f"what a replay shows, {onlooker.short(wanted)}", partial(onlooker.reached, wanted))

    async def wait(self, name: str, what: str, so: Callable[[Witness], bool]) -> None:
        async def there() -> bool:
            return so(await self.witness(name))

        await self.eventually(name, what, there)

    async def eventually(self, name: str, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Wait for something about a task, in time."""

        async def there() -> Any:
            await self.not_late(name)
            return await look()

        try:
            return await self.stack.eventually(there, f"{what}, of {name}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {onlooker.short(await self.witness(name))}") from error

    async def not_late(self, name: str) -> None:
        runs = (await self.stack.status(self.ids[name]))["runs"]
        if name not in self.passed and any(run.get("reasonResolved") == "deadline-exceeded" for run in runs):
            raise LateError

    async def witness(self, name: str, logs: Collection[int] = ()) -> Witness:
        return await onlooker.witness(self.scene, self.ids[name], logs)

    # --- doing

    async def do(self, step: AnyStep) -> None:
        match step:
            case OfTaskcluster():
                await self.at_taskcluster(step)
            case OfBuildbot():
                await self.at_buildbot(step)
            case OfBridge(bridge="crashed") if self.away is not None:
                await self.away.begin()
                self.back = step.at + step.lasts
            case OfCheck():
                await self.check(self.scenario.task_of(step), step)
            case _:
                raise AssertionError(f"nobody can do here: {step}")

    async def check(self, name: str, step: OfCheck) -> None:
        """What is owed here depends on the real time, and calls to Buildbot are noted by rows alone."""
        made = {call: least for call, least in step.made.items() if call in onlooker.CALLS}
        here = step.model_copy(update={"owes": None, "made": made})
        await self.wait(name, str(step), lambda seen: not checked(here, seen))

        async def asked() -> bool:
            row = await self.scene.row(self.ids[name], step.run)
            return row is not None and (row["cancels"] or 0) >= step.made.get("cancel", 0)

        await self.eventually(name, f"cancels of run {step.run}", asked)

    async def at_taskcluster(self, step: OfTaskcluster) -> None:
        name = self.scenario.task_of(step)
        match step.taskcluster:
            case "task created":
                self.ids[name] = await self.scene.task(self.scenario.tasks[name].builder, **self.definition(name))
            case "task cancelled":
                await self.stack.queue.cancelTask(self.ids[name])
            case "task rerun":
                await self.stack.queue.rerunTask(self.ids[name])
            case "messages repeated":
                await self.stack.control("POST", "messages/republish", taskId=self.ids[name])
            case "deadline passed":
                await self.deadline_passed(name)
            case "claim expired":
                await self.claim_expired(name)
            case "worker quarantined" | "quarantine lifted":
                quarantined = step.taskcluster == "worker quarantined"
                await self.quarantine(step.worker or "", quarantined=quarantined)
            case _:
                raise AssertionError(f"nobody can do here: {step}")

    async def quarantine(self, worker: str, *, quarantined: bool) -> None:
        who = {"workerGroup": "buildbot", "workerId": worker}
        await self.stack.control("POST", "quarantine", **who, quarantined=quarantined)

    def definition(self, name: str) -> dict[str, Any]:
        """What the task is created with. Deadlines that pass are near."""
        task = self.scenario.tasks[name]
        more: dict[str, Any] = {"priority": task.priority, "retries": task.retries, "properties": task.properties}
        if task.scopes is not None:
            more["scopes"] = list(task.scopes)
        if any(self.scenario.task_of(step) == name for step in _deadlines(self.scenario)):
            more["deadline"] = self.deadline
        return more

    async def deadline_passed(self, name: str) -> None:
        """Wait for it. A task that was over before must not make the bridge do anything."""
        task = self.ids[name]
        over, before = (await self.stack.status(task))["state"] in ("completed", "failed"), await self.scene.calls(task)
        self.passed.add(name)

        async def there() -> bool:
            status = await self.stack.status(task)
            now = (await self.stack.control("POST", "poll"))["time"]
            return now > status["deadline"] and status["state"] not in ("pending", "running")

        await self.stack.eventually(there, f"the deadline of {name}")
        if over:
            assert [call for call in await self.scene.calls(task) if call["n"] > before[-1]["n"]] == []

    async def claim_expired(self, name: str) -> None:
        async def there() -> bool:
            runs = (await self.stack.status(self.ids[name]))["runs"]
            return any(run.get("reasonResolved") == "claim-expired" for run in runs)

        await self.eventually(name, "the end of the claim", there)

    async def come_back(self) -> None:
        assert self.away is not None
        await self.away.end()
        self.back = None

    async def at_buildbot(self, step: OfBuildbot) -> None:
        if step.buildbot == "builder removed":
            return  # nobody has made it
        name, run = self.scenario.task_of(step), await self.made_for(step)
        match step.buildbot:
            case "build started":
                self.builds[name, run] = self.builds.get((name, run), 0) + 1
                await self.eventually(name, f"build {self.builds[name, run]} of run {run}", partial(self.started, name, run))
            case "build ended":
                await self.ended(name, run, step.results or "SUCCESS")
            case "request cancelled":
                await self.cancelled(self.ids[name], run)
            case _:
                raise AssertionError(f"nobody can do here: {step}")

    async def made_for(self, step: OfBuildbot) -> int:
        """The run whose request the step is about: the newest that there is, as in a replay."""
        if step.run is not None:
            return step.run
        made = await self.stack.requests(self.ids[self.scenario.task_of(step)])
        return max((int(each["key"].partition("/")[2]) for each in made), default=0)

    async def started(self, name: str, run: int) -> bool:
        """Whether the build is there, and stands at its gate if it has one: before that, a stop would find it willing."""
        found, count = await self.scene.requests(self.ids[name], run), self.builds[name, run]
        if not found or len(found[0]["builds"]) < count:
            return False
        gated = self.scenario.tasks[name].builder in GATED and found[0]["builds"][count - 1]["results"] is None
        return not gated or self.scene.gate(self.ids[name], run, build=count) is not None

    async def ended(self, name: str, run: int, results: str) -> None:
        """Let the build go if it stands at a gate, and wait until it has ended."""
        task, count = self.ids[name], self.builds[name, run]

        async def over() -> Json | None:
            build = (await self.scene.requests(task, run))[0]["builds"][count - 1]
            return build if build["results"] is not None else None

        if self.scene.gate(task, run, build=count) is not None and await over() is None:
            await self.scene.let(task, _SLOW.get(results, int(Results[results])), run=run, build=count)
        build = await self.eventually(name, f"the end of build {count} of run {run}", over)
        if Results(build["results"]).name != results:
            await self.not_late(name)
            raise AssertionError(f"build {count} of {name}/{run} ended {Results(build['results']).name}, and not {results}")

    async def cancelled(self, task: str, run: int) -> None:
        """A person stops the build that runs, or cancels the request that waits."""
        self.scene.cancelled_by_people.add(f"{task}/{run}")
        request = await self.scene.request(task, run)
        running = [build for build in request["builds"] if build["results"] is None]
        what = f"builds/{running[0]['buildid']}" if running else f"buildrequests/{request['buildrequestid']}"
        await self.stack.buildbot.control(what, "stop" if running else "cancel", reason="a person")


def loses_the_bridge(scenario: Scenario) -> bool:
    """Whether the services are killed in it."""
    return any(isinstance(step, OfBridge) for step in scenario.steps)


async def perform(scene: Scene, scenario: Scenario, away: Absence | None = None) -> Stage:
    """Play the scenario; tasks that must be somewhere before their deadline get more time on a slow machine."""
    late = None
    for deadline in DEADLINES if any(_deadlines(scenario)) else DEADLINES[-1:]:
        stage = Stage(scene, scenario, deadline, away)
        try:
            await stage.perform()
        except LateError as error:
            late = error
        except AssertionError:
            if away is not None:
                await away.give_up()
            raise
        else:
            return stage
    raise AssertionError("the tasks are not in time even with the longest deadline") from late


def _deadlines(scenario: Scenario) -> Iterator[OfTaskcluster]:
    return (step for step in scenario.steps if isinstance(step, OfTaskcluster) and _is_deadline(step))


def _is_deadline(step: AnyStep) -> bool:
    return isinstance(step, OfTaskcluster) and step.taskcluster == "deadline passed"
