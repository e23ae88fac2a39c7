"""A push to a project with a task graph: its decision task makes bridged and native tasks, and they run to their ends."""

from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.graphs import Play
from tests.sandbox.stack import QUEUE
from tests.taskgraph.project import Graph

ON_PUSH = {
    "deps-linux64", "build-linux64", "build-win64", "test-linux64-1", "test-linux64-2", "scan-linux64", "package-linux64",
    "docs-docs", "docs-docs-links", "docs-docs-upload", "summary-push",
}  # fmt: skip


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def _task(play: Play, graph: Graph, label: str) -> dict[str, Any]:
    (task,) = [each for each in (await play.tasks(graph.id))[label] if each["status"]["taskId"] == graph.labels[label]]
    return task


async def test_a_push_makes_bridged_and_native_tasks_and_they_run(play: Play, pushed: Graph) -> None:
    assert set(pushed.labels) == ON_PUSH
    for label, task_id in pushed.labels.items():
        task = await _task(play, pushed, label)
        bridged = label != "scan-linux64"
        assert (task["task"]["taskQueueId"] == QUEUE) == bridged
        assert task["task"]["tags"]["worker-implementation"] == ("buildbot-bridge" if bridged else "docker-worker")
        assert task["status"]["runs"][0]["state"] == ("failed" if label == "build-win64" else "completed"), (label, task)
        if bridged:
            (request,) = await play.scene.requests(task_id)
            assert len(request["builds"]) == 1
    await play.over(pushed.id)


async def test_builds_are_told_of_the_tasks_before_them_and_fetch_what_those_made(play: Play, pushed: Graph) -> None:
    """References to a bridged and to a native task, at the top and at depth, are addresses that a build can read."""
    ids = pushed.labels
    given = await play.scene.properties(ids["package-linux64"])
    assert given["build_task_id"][0] == ids["build-linux64"]
    widget = await play.stack.artifact(ids["build-linux64"], 0, "public/build/widget.tar.gz")
    assert widget == f"widget of {ids['build-linux64']}\n"
    report = await play.stack.artifact(ids["scan-linux64"], 0, "public/scan/report.txt")
    assert ids["build-linux64"] in report
    for label in ("package-linux64", "test-linux64-1", "test-linux64-2"):
        assert await play.stack.artifact(ids[label], 0, "public/fetched/widget.tar.gz") == widget
    assert await play.stack.artifact(ids["package-linux64"], 0, "public/fetched/report.txt") == report
    assert (await play.scene.properties(ids["docs-docs-links"]))["parent_task_id"][0] == ids["docs-docs"]
    await play.over(pushed.id)


async def test_a_reporter_runs_after_all_others_though_one_of_them_failed(play: Play, pushed: Graph) -> None:
    reporter = await _task(play, pushed, "summary-push")
    awaited = {ids for label, ids in pushed.labels.items() if label.split("-")[0] in ("build", "test", "scan", "package")}
    assert (reporter["task"]["requires"], set(reporter["task"]["dependencies"])) == ("all-resolved", awaited)
    others = [(await play.stack.status(task))["runs"][0] for task in awaited]
    assert {run["state"] for run in others} == {"completed", "failed"}
    assert reporter["status"]["runs"][0]["scheduled"] >= max(run["resolved"] for run in others)
    await play.over(pushed.id)


async def test_times_are_counted_from_the_creation_of_each_task(play: Play, pushed: Graph) -> None:
    """What a kind says in days is said so in the graph, and is a time in the task."""
    relative = {node["label"]: node["task"] for node in (await pushed.artifact("task-graph.json")).values()}
    assert relative["docs-docs-upload"]["deadline"] == {"relative-datestamp": "2 days"}
    for label, days in {"docs-docs-upload": 2, "docs-docs": 1}.items():
        task = (await _task(play, pushed, label))["task"]
        lasts = _instant(task["deadline"]) - _instant(task["created"])
        assert abs(lasts - timedelta(days=days)) < timedelta(seconds=1), label
        assert task["expires"] > task["deadline"]
    await play.over(pushed.id)
