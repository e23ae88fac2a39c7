"""A graph of very many bridged tasks, decided by taskgraph and driven to its end.

`BRIDGE_GRAPH_TASKS=2000 ./dev test -s tests/acceptance/test_task_graph_scale.py` is the whole; it prints what it took.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.acceptance.conftest import opened
from tests.acceptance.scene import Scene
from tests.sandbox.stack import Stack
from tests.taskgraph import many
from tests.taskgraph.project import Graph, Project

COUNT = int(os.environ.get("BRIDGE_GRAPH_TASKS", "100"))
"""Tasks; a multiple of the layers of the graph."""
EACH = 3.0
"""Seconds that a task may take on a busy machine, all in all; Buildbot's master alone needs a fifth of a second of CPU."""
WITHIN = 60 + COUNT * EACH
CONFIG = f"""
c["builders"] += [local(name, End(SUCCESS), workers=2) for name in {many.BUILDERS!r}]
c["schedulers"].append(schedulers.ForceScheduler(name="force-many", builderNames=list({many.BUILDERS!r})))
"""


@pytest.mark.timeout(3 * WITHIN)
async def test_very_many_tasks_are_built_each_once() -> None:
    async with opened("many", {}, more=CONFIG) as stack:
        await stack.start_services()
        content = await asyncio.to_thread(many.write, stack.directory / "many", COUNT)
        async with Project.on(stack, stack.directory / "project", content) as project:
            times = [time.monotonic()]
            graph = await _decided(project)
            times.append(time.monotonic())
            await _built(stack)
            times.append(time.monotonic())
            print(*_told(project, graph, times), sep="\n")
            await _each_once(Scene(stack), graph)


async def _decided(project: Project) -> Graph:
    graph = await project.decide(project.repository.push(), within=WITHIN)
    assert len(graph.labels) == COUNT
    return graph


async def _built(stack: Stack) -> None:
    """Wait until the queue was told as many verdicts as there are tasks."""
    end = time.monotonic() + WITHIN
    while (told := (await stack.control("GET", "counters"))["calls"].get("queue.reportCompleted", 0)) <= COUNT:
        assert time.monotonic() < end, f"{told} of {COUNT} tasks are completed"
        await asyncio.sleep(0.5)


async def _each_once(scene: Scene, graph: Graph) -> None:
    """None lost, none doubled, none tried again; the history of each is judged."""
    scene.tasks += graph.labels.values()
    await scene.over(within=120)
    requests = await scene.stack.requests_of(scene.tasks)
    assert {tuple(len(each["builds"]) for each in requests.get(task, [])) for task in scene.tasks} == {(1,)}
    statuses = [await scene.stack.status(task) for task in scene.tasks]
    assert {tuple(run["state"] for run in status["runs"]) for status in statuses} == {("completed",)}


def _told(project: Project, graph: Graph, times: Sequence[float]) -> Iterable[str]:
    ended = project.worker.ended[graph.id]
    stack = project.stack
    yield f"{COUNT} tasks: decided in {times[1] - times[0]:.0f} s, all completed {times[2] - times[1]:.0f} s later"
    yield f"  taskgraph decision: {ended.seconds:.0f} s, at most {ended.peak:.0f} MiB"
    for name, pid in stack.pids.items():
        yield f"  {name}: at most {_peak(pid):.0f} MiB, {_cpu(pid):.0f} s of CPU"


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _cpu(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
