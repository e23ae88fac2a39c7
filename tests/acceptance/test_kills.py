"""Each service killed with runs in every phase and calls under way, before and after their effect; and ended by SIGTERM (F-19).

`Held` makes the tasks: those whose builds wait, and those for which a call of the bridge is on its way when the end comes. A
call is held either before it does anything or after it has done all, so that the process dies between a side's knowing and
its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
import slugid

from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.proxy import Fault
from tests.sandbox.stack import SERVICES, Stack

LONG = 300
"""Seconds for which a call is held: longer than the test."""
ENDS = {
    "wanted": "canceled",
    "submit": "completed",
    "queued": "canceled",
    "claim": "failed",
    "building": "completed",
    "upload": "completed",
    "report": "failed",
    "refused": "malformed-payload",
    "stopping": "canceled",
    "dying": "canceled",
}
IN_HAND = {
    "taskcluster-listener": ("wanted", "submit", "queued", "refused", "building", "dying"),
    "buildbot-listener": ("claim", "building", "upload", "report", "stopping", "dying"),
    "reflector": tuple(ENDS),
}


@dataclass
class Held:
    """One task or two for each kind; where there are two, the first's call is held before its effect, the second's after."""

    scene: Scene
    kinds: Sequence[str]
    tasks: dict[str, list[str]] = field(default_factory=dict)
    at_buildbot: list[Fault] = field(default_factory=list)
    at_taskcluster: list[int] = field(default_factory=list)

    async def make(self) -> None:
        """Make all of them, and return when every build and every call stands where it is held."""
        self.tasks = {kind: [slugid.nice(), slugid.nice()] for kind in self.kinds}
        await asyncio.gather(*(getattr(self, f"_{kind}")(*self.tasks[kind]) for kind in self.kinds))
        await self.scene.stack.eventually(self._all_held, "all calls are held")

    async def _all_held(self) -> bool:
        switched_on = (await self.scene.stack.control("GET", "faults"))["faults"]
        met = {fault["id"] for fault in switched_on if fault["hits"]}
        return met >= set(self.at_taskcluster) and all(fault.hits for fault in self.at_buildbot)

    async def _create(self, builder: str, *tasks: str) -> None:
        for task in tasks:
            await self.scene.task(builder, task_id=task)

    async def _hold(self, api: str, before: str, after: str) -> None:
        for task, effect in ((before, False), (after, True)):
            body = {"api": api, "taskId": task, "kind": "drop", "effect": effect, "seconds": LONG}
            self.at_taskcluster.append((await self.scene.stack.control("POST", "faults", **body))["id"])

    def _hold_plugin(self, call: str, before: str, after: str) -> None:
        for task, effect in ((before, False), (after, True)):
            self.at_buildbot.append(self.scene.stack.proxy.spoil(call.format(task), "hold", effect=effect))

    async def _wanted(self, *tasks: str) -> None:
        await self._create("full", *tasks)

    async def _submit(self, before: str, after: str) -> None:
        self._hold_plugin("PUT .*/runs/{}/0$", before, after)
        await self._create("gate", before, after)

    async def _queued(self, *tasks: str) -> None:
        await self._create("parked", *tasks)
        for task in tasks:
            await self.scene.request(task)

    async def _claim(self, *tasks: str) -> None:
        await self._hold("queue.claimTask", *tasks)
        await self._create("gate", *tasks)

    async def _building(self, *tasks: str) -> None:
        await self._running("gate", *tasks)

    async def _upload(self, *tasks: str) -> None:
        await self._hold("queue.createArtifact", *tasks)
        await self._running("gate", *tasks)
        for task in tasks:
            await self.scene.let(task)

    async def _report(self, *tasks: str) -> None:
        await self._hold("queue.reportFailed", *tasks)
        await self._running("gate", *tasks)
        for task in tasks:
            await self.scene.let(task, 2)

    async def _refused(self, *tasks: str) -> None:
        await self._hold("queue.reportException", *tasks)
        await self._create("no-such-builder", *tasks)

    async def _stopping(self, *tasks: str) -> None:
        self._hold_plugin("POST .*/runs/{}/0/cancel$", *tasks)
        await self._running("gate", *tasks)
        for task in tasks:
            await self.scene.stack.queue.cancelTask(task)

    async def _dying(self, *tasks: str) -> None:
        await self._running("stubborn", *tasks)
        for task in tasks:
            await self.scene.stack.queue.cancelTask(task)
            await self.scene.phase(task, "stopping")

    async def _running(self, builder: str, *tasks: str) -> None:
        await self._create(builder, *tasks)
        for task in tasks:
            await self.scene.run(task, "running")
            await self.scene.at_gate(task)

    async def one_more(self) -> None:
        """One more task whose build runs."""
        self.tasks["building"].append(task := slugid.nice())
        await self._building(task)

    async def release(self) -> None:
        """Hold no further call; those at the queue stay held, their callers are gone."""
        self.scene.stack.proxy.clear()
        await self.scene.stack.control("DELETE", "faults")

    async def finish(self) -> None:
        """Let everything come to its end: builds, and what only a person ends."""
        for kind, code in (("submit", 0), ("claim", 2), ("building", 0), ("dying", 2)):
            for task in self.tasks.get(kind, []):
                await self.scene.let(task, code)
        for task in self.tasks.get("wanted", []) + self.tasks.get("queued", []):
            await self.scene.stack.queue.cancelTask(task)

    async def ended(self, kind: str) -> None:
        """They ended as they would have without the end of a process."""
        for task in self.tasks[kind]:
            await self.scene.stack.settled(task, within=90)
            runs = (await self.scene.stack.status(task))["runs"]
            assert [run.get("reasonResolved") for run in runs] == [ENDS[kind]]
        await self.scene.over(*self.tasks[kind])


@pytest.fixture(scope="module")
async def killed(rough: Stack) -> AsyncIterator[Mapping[str, Held]]:
    """What each service had in hand when it was killed; all three run again, and everything was let go.

    The reflector is away while the listeners are killed, and they while it is: so it is certain who made the calls.
    """
    listeners = SERVICES[:2]
    found: dict[str, Held] = {}
    await rough.start_services(*listeners)
    for name in listeners:
        found[name] = await _killed(rough, name)
        await rough.start_services(name)
    await rough.stop_services()
    await rough.start_services("reflector")
    found["reflector"] = await _killed(rough, "reflector")
    await rough.start_services()
    await asyncio.gather(*(held.finish() for held in found.values()))
    yield found
    await cancel_all(rough)


async def _killed(stack: Stack, name: str) -> Held:
    held = Held(Scene(stack), IN_HAND[name])
    await held.make()
    await stack.kill_service(name)
    await held.release()
    return held


@pytest.mark.parametrize(("service", "kind"), [(service, kind) for service, kinds in IN_HAND.items() for kind in kinds])
async def test_killed(killed: Mapping[str, Held], service: str, kind: str) -> None:
    await killed[service].ended(kind)


@dataclass
class End:
    """What all services had in hand when they got SIGTERM, and how they ended."""

    held: Held
    seconds: float
    statuses: Mapping[str, int | None]
    kept: list[str]
    """Rows that are still leased, or whose credentials somebody is said to hold."""


@pytest.fixture(scope="module")
async def asked_to_end(rough: Stack) -> AsyncIterator[End]:
    """All services got SIGTERM and run again."""
    await rough.start_services()
    held = Held(Scene(rough), tuple(ENDS))
    await held.make()
    began = time.monotonic()
    statuses = await rough.stop_services()
    seconds = time.monotonic() - began
    tasks = "task_id = ANY ($1::text[]) AND (lease_owner IS NOT NULL OR holder IS NOT NULL)"
    kept = await rough.rows(f"SELECT * FROM runs WHERE phase <> 'settled' AND {tasks}", held.scene.tasks)
    await held.release()
    await rough.start_services()
    await held.finish()
    yield End(held, seconds, statuses, [str(dict(row)) for row in kept])
    await cancel_all(rough)


async def test_sigterm_ends_a_service_soon_and_frees_what_it_had(asked_to_end: End) -> None:
    """Within ten seconds, in good order, and nobody has to wait for leases that nobody will use."""
    assert set(asked_to_end.statuses.values()) == {0}
    assert asked_to_end.seconds < 11
    assert asked_to_end.kept == []


@pytest.mark.parametrize("kind", ENDS)
async def test_asked_to_end(asked_to_end: End, kind: str) -> None:
    await asked_to_end.held.ended(kind)
