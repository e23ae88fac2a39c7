"""Later pushes: what did not change is found in the index, and a try push says itself what it wants."""

import json
from typing import Any

import taskcluster.aio

from tests.acceptance.graphs import Play
from tests.taskgraph.project import Graph
from tests.taskgraph.repository import Push

ASKS = "taskgraph decision "
TRY = {"version": 2, "parameters": {"target_tasks_method": "try_tasks", "try_tasks": ["test-linux64-1"]}}


def _index(play: Play) -> Any:
    credentials = {"clientId": "admin", "accessToken": play.stack.key}
    return taskcluster.aio.Index({"rootUrl": play.stack.root_url, "credentials": credentials}, session=play.stack.http)


async def test_a_second_push_uses_what_the_first_has_made(play: Play, pushed: Graph) -> None:
    """Its labels are the same. The cached task is that of the push before, which others in the graph still name."""
    push, graph = await play.project.push({"README": "A second push."})
    assert set(graph.labels) == set(pushed.labels)
    earlier = [each["status"]["taskId"] for each in (await play.tasks(pushed.group))["deps-linux64"]]
    assert graph.labels["deps-linux64"] in earlier
    assert not set(graph.labels.values()) & set(pushed.labels.values()) - set(earlier)
    states = await play.all_resolved(graph.id)
    assert set(states) == set(pushed.labels) - {"deps-linux64"} | {"Decision task"}
    assert set(states.values()) == {"completed"}
    build = await play.stack.queue.task(graph.labels["build-linux64"])
    assert set(build["dependencies"]) == {graph.labels["deps-linux64"], graph.id}
    assert (await play.scene.properties(graph.labels["build-linux64"]))["deps_task_id"][0] in earlier
    await _found_by_revision(play, graph, push)
    await play.over(graph.id)


async def _found_by_revision(play: Play, graph: Graph, push: Push) -> None:
    """A build, and a file that it gave, are found without knowing any task."""
    found = await _index(play).findTask(f"demo.v2.demo.revision.{push.revision}.widget.linux64-opt")
    assert found["taskId"] == graph.labels["build-linux64"]
    url = f"{play.stack.root_url}/api/index/v1/task/{found['namespace']}/artifacts/public/build/widget.tar.gz"
    async with play.stack.http.get(url) as answer:
        assert await answer.text() == f"widget of {found['taskId']}\n"


async def test_a_try_push_runs_what_it_asks_for(play: Play, pushed: Graph) -> None:
    """And what that needs: here a cached task too, because the push changes what it is made from."""
    before = {name: play.project.read(name) for name in (".taskcluster.yml", "deps.txt")}
    # A project that has try pushes lets them say what they want.
    decision = before[".taskcluster.yml"].replace(ASKS, f"{ASKS}--allow-parameter-override ")
    wanted = {".taskcluster.yml": decision, "deps.txt": "zlib 1.3.2\n", "try_task_config.json": json.dumps(TRY)}
    _, graph = await play.project.push(wanted)
    play.project.repository.push(before)  # what other tests push is no try push
    assert set(graph.labels) == {"deps-linux64", "build-linux64", "test-linux64-1"}
    states = await play.all_resolved(graph.id)
    assert states == dict.fromkeys([*graph.labels, "Decision task"], "completed")
    assert graph.labels["deps-linux64"] != pushed.labels["deps-linux64"]
    await play.over(graph.id)
