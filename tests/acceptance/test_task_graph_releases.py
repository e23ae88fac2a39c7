"""Release promotion: what a push has built goes on in groups of its own, with tasks that are found again by their labels."""

from typing import Any

from tests.acceptance.graphs import Play
from tests.taskgraph.project import Graph


async def _promoted(play: Play, pushed: Graph, flavour: str, *before: Graph, **more: Any) -> tuple[Graph, set[str]]:
    """Trigger the action, run what it made to its end; labels of what it made."""
    ids = [graph.id for graph in (pushed, *before)]
    given = {"release_promotion_flavor": flavour, "build_number": 1, "version": "1.0.0", "previous_graph_ids": ids}
    release = await pushed.act("release-promotion", None, given | more)
    made = await play.all_resolved(release.id)
    assert set(made.values()) == {"completed"}
    return release, set(made)


async def test_a_release_is_promoted_and_shipped(play: Play, pushed: Graph) -> None:
    """Each phase makes only what no phase before it has, and is told of that."""
    promoted, made = await _promoted(play, pushed, "promote")
    assert made == {"release-promote-sign"}
    sign = promoted.labels["release-promote-sign"]
    assert (await play.scene.properties(sign))["package_task_id"][0] == pushed.labels["package-linux64"]
    shipped, made = await _promoted(play, pushed, "ship", promoted)
    assert made == {"release-ship-mirrors"}
    mirrors = shipped.labels["release-ship-mirrors"]
    assert shipped.labels["release-promote-sign"] == sign
    definition = await play.stack.queue.task(mirrors)
    assert (definition["taskGroupId"], definition["priority"]) == (shipped.id, "highest")
    assert set(definition["dependencies"]) == {sign, shipped.id}
    assert (await play.scene.properties(mirrors))["signed_task_id"][0] == sign
    (row,) = [await play.scene.row(mirrors)]
    assert row is not None
    assert row["priority"] == "highest"
    await play.over(pushed.group, promoted.id, shipped.id)


async def test_kinds_are_rebuilt_for_a_release(play: Play, pushed: Graph) -> None:
    release, made = await _promoted(play, pushed, "promote", rebuild_kinds=["package"])
    assert made == {"package-linux64", "release-promote-sign"}
    package = release.labels["package-linux64"]
    assert package != pushed.labels["package-linux64"]
    widget = await play.stack.artifact(package, 0, "public/fetched/widget.tar.gz")
    assert widget == f"widget of {pushed.labels['build-linux64']}\n"
    await play.over(pushed.group, release.id)


async def test_a_task_is_made_anew_for_a_release_with_all_that_comes_after_it(play: Play, pushed: Graph) -> None:
    release, made = await _promoted(play, pushed, "promote", do_not_optimize=["build-linux64"])
    assert made == {"build-linux64", "scan-linux64", "package-linux64", "release-promote-sign"}
    assert release.labels["deps-linux64"] == pushed.labels["deps-linux64"]
    widget = await play.stack.artifact(release.labels["package-linux64"], 0, "public/fetched/widget.tar.gz")
    assert widget == f"widget of {release.labels['build-linux64']}\n"
    await play.over(pushed.group, release.id)
