"""A kind file for builders that exist: its text, who is in it under which name, and who is not and why."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.order import Policy
from bridge.definition import DefinitionError, task_name
from bridge.migration.kind_file import kind_file
from bridge.migration.known import Known, known
from bridge.migration.labels import task_names
from bridge.migration.sorting import Offered, Pool, aliases, picked, sort

POOL = Pool("linux", "proj-demo/buildbot", Policy(builders=("*",)))
OTHER = Pool("mac", "proj-demo/mac", Policy(builders=("mac*",), denied=("mac asan",)))
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=300), min_size=1, max_size=12)


def offered(*names: str) -> list[Offered]:
    return [Offered(name, 1) for name in names]


def written(*names: str, pools: tuple[Pool, ...] = (POOL,), taken: tuple[str, ...] = ()) -> str:
    return kind_file("imported", sort(offered(*names), pools, taken), aliases(pools), "main")


def test_the_whole_text() -> None:
    found = sort([Offered("linux64 opt", 2), Offered("on", 0), Offered("docs*", 1)], [POOL])
    assert (
        kind_file("imported", found, aliases([POOL]), "main")
        == """\
# taskcluster/kinds/imported/kind.yml: builders of the Buildbot "main", a task for each.
# Written by `bbb import-builders` as a beginning; from here on it is yours. Labels are <kind>-<name below>.
#
# taskcluster/config.yml needs:
#   taskgraph:
#     register: "bridge.taskgraph:register"
#   workers:
#     aliases:
#       bb:
#         provisioner: "proj-demo"
#         implementation: buildbot-bridge
#         os: buildbot
#         worker-type: "buildbot"
# Whoever creates the tasks needs the scope buildbot-bridge:builder-name:<builder> for each of their builders.
#
# Not here, since no task can name them:
# - builder 'docs*' ends in `*`. A scope of that name would cover every builder, so name one builder in full.
---
loader: taskgraph.loader.transform:loader

transforms:
  - taskgraph.transforms.run:transforms
  - taskgraph.transforms.task:transforms

# What all tasks of the kind have in common may stand here once:
# task-defaults:
#   run:
#     properties: {product: widget}  # any JSON; the build sees them
#   treeherder: {kind: build, tier: 1}  # each task then needs platform and symbol

tasks:
  linux64-opt:
    description: "linux64 opt on Buildbot"
    worker-type: bb
    run:
      using: buildbot
      builder: "linux64 opt"
    # dependencies: {build: build-linux64}  # the edge's name: the label of a task that must have completed
    # treeherder: {platform: linux64/opt, symbol: B}  # platform and symbol together are unique in the graph
  "on":
    # It has no connected worker now.
    description: "on on Buildbot"
    worker-type: bb
    run:
      using: buildbot
      builder: "on"
    # dependencies: {build: build-linux64}  # the edge's name: the label of a task that must have completed
    # treeherder: {platform: linux64/opt, symbol: B}  # platform and symbol together are unique in the graph
"""
    )


@given(st.sets(NAMES, max_size=8))
def test_it_is_yaml_that_says_every_builder_that_a_task_can_name_and_no_other(names: set[str]) -> None:
    kind = yaml.safe_load(written(*sorted(names)))
    found = {task["run"]["builder"]: name for name, task in kind["tasks"].items()}
    fit = {
        name
        for name in names
        if name.isascii() and name.isprintable() and not name.endswith("*") and "{project}" not in name
    }
    assert found.keys() == fit
    assert all(isinstance(name, str) for name in found.values())


def test_no_builders_is_a_kind_without_tasks() -> None:
    assert yaml.safe_load(written())["tasks"] == {}


@pytest.mark.parametrize("name", ["on", "NO", "null", "1e3", "123", "2026-01-01", "true", "y", "a.b", "_x", "0x1f"])
def test_a_name_is_read_as_it_is_written(name: str) -> None:
    (task,) = yaml.safe_load(written(name))["tasks"]
    assert task == name


@pytest.mark.parametrize("name", ['say "hi"', "a: b", "# a", "back\\slash", "100 % {x}", "'quoted'", "- dash", "&a *b c"])
def test_a_builder_is_read_as_it_is_named(name: str) -> None:
    (task,) = yaml.safe_load(written(name))["tasks"].values()
    assert task["run"]["builder"] == name


def test_builders_with_one_slug_get_distinct_names_in_a_stable_order() -> None:
    names = task_names(["a b", "a-b", "a/b", "a-b-2"])
    assert names == {"a b": "a-b", "a-b": "a-b-2", "a/b": "a-b-3", "a-b-2": "a-b-2-2"}
    assert task_names(["a b"], taken=["a-b"]) == {"a b": "a-b-2"}


@given(st.lists(NAMES, unique=True, max_size=10), st.sets(NAMES.map(task_name), max_size=5))
def test_no_two_builders_share_a_name(builders: list[str], taken: set[str]) -> None:
    names = task_names(builders, taken)
    assert list(names) == builders
    assert len(set(names.values())) == len(builders)
    assert not taken.intersection(names.values())


def test_a_name_that_taskgraph_would_change_is_left_out() -> None:
    found = sort(offered("widget {project}", "straße", ""), [POOL])
    assert found.entries == ()
    assert [sentence[:25] for sentence in found.refused.values()] == [
        "builder 'widget {project}",
        "builder 'straße' has char",
        "builder '' is empty. Give",
    ]


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ([], ["Docs", "linux32", "linux64", "mac"]),
        (["linux*"], ["linux32", "linux64"]),
        (["LINUX??"], ["linux32", "linux64"]),
        (["linux[3]2", "docs"], ["Docs", "linux32"]),
        (["linux"], []),
    ],
)
def test_patterns_are_those_of_a_shell_and_cover_whole_names(only: list[str], names: list[str]) -> None:
    assert [each.name for each in picked(offered("mac", "linux64", "Docs", "linux32"), only)] == names


def test_a_builder_goes_to_the_pool_that_admits_it() -> None:
    pools = (Pool("linux", "p/linux", Policy(builders=("linux*",))), OTHER)
    found = sort(offered("linux64", "mac opt", "mac asan"), pools)
    assert [(each.builder.name, each.worker_type, each.notes) for each in found.entries] == [
        ("linux64", "bb-linux", ()),
        ("mac opt", "bb-mac", ()),
        (
            "mac asan",
            "bb-linux",
            ("The bridge refuses it until [pools.linux] admits it: see builders, deny and left_alone there.",),
        ),
    ]
    text = kind_file("k", found, aliases(pools), "main")
    assert '#       bb-linux:\n#         provisioner: "p"\n' in text
    assert '#       bb-mac:\n#         provisioner: "proj-demo"\n' in text


def test_another_prefix_of_scopes_is_told() -> None:
    pool = Pool("linux", "p/w", Policy(scope_prefixes=("ours:builder-name:",)))
    text = written("a", pools=(pool,))
    assert '#   buildbot-bridge:\n#     scope-prefix: "ours"\n' in text
    assert "needs the scope ours:builder-name:<builder> for" in text
    assert "scope-prefix" not in written("a")


@pytest.mark.parametrize(
    ("kind", "builders", "tasks"),
    [
        (None, [], []),
        ("text", [], []),
        ({}, [], []),
        (
            {"tasks": {"a": {"run": {"using": "buildbot", "builder": "a b"}}, "b": {"run": {"using": "run-task"}}}},
            ["a b"],
            ["a", "b"],
        ),
        ({"tasks": {"a": {"worker": {"buildername": "x"}}}}, ["x"], ["a"]),
        ({"tasks": {"a": None, 1: {}}, "task-defaults": {"run": {"builder": "d"}}}, ["d"], ["a", "1"]),
        ({"loader": "x", "other": {"run": {"builder": "from"}}}, ["from"], ["other"]),
        ({"builders-graph": {"a": ["b"]}}, ["a", "b"], []),
        ({"builders-graph": "graph.yml", "tasks": []}, [], []),
        ({"tasks": {"a": {"run": {"builder": 3}}}}, [], ["a"]),
    ],
)
def test_what_a_kind_file_knows(kind: Any, builders: list[str], tasks: list[str]) -> None:
    assert known(kind, "kind.yml") == Known(frozenset(builders), frozenset(tasks))


def test_a_graph_that_is_none_is_told() -> None:
    with pytest.raises(DefinitionError, match=r"^kind\.yml: builders-graph\['a'\]: must be a list"):
        known({"builders-graph": {"a": 3}}, "kind.yml")


def test_a_builder_is_known_by_its_name_or_a_name_for_every_project() -> None:
    some = Known(frozenset({"a.b", "{project} docs"})) | Known(frozenset({"c"}))
    assert [name for name in ("a.b", "axb", "widget docs", " docs", "c", "d") if some.has(name)] == [
        "a.b",
        "widget docs",
        "c",
    ]


def test_what_was_written_is_known_afterwards() -> None:
    names = ["a b", "a-b", "on", "ümlaut"]
    some = known(yaml.safe_load(written(*names)), "kind.yml")
    assert [name for name in names if not some.has(name)] == ["ümlaut"]
    assert some.tasks == {"a-b", "a-b-2", "on"}
