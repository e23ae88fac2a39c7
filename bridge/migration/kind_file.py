"""The text of a kind file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.core.admission import shown
from bridge.definition import SCOPE_PREFIX
from bridge.migration.sorting import Entry, Pool, Sorted

_ENDING: Final = ":builder-name:"
"""What taskgraph's side puts between the prefix in its config and a builder."""


def kind_file(kind: str, found: Sorted, aliases: Mapping[str, Pool], buildbot: str) -> str:
    """A kind file in YAML with a task for each entry. Its comments say what to do next, and who is left out and why."""
    tasks = [line for entry in found.entries for line in _task(entry)]
    lines = [*_head(kind, aliases, buildbot), *_refused(found.refused), *_frame(), *(tasks or ["  {}"])]
    return "\n".join(lines) + "\n"


def _head(kind: str, aliases: Mapping[str, Pool], buildbot: str) -> Iterator[str]:
    yield f"# taskcluster/kinds/{kind}/kind.yml: builders of the Buildbot {json.dumps(buildbot)}, a task for each."
    yield "# Written by `bbb import-builders` as a beginning; from here on it is yours. Labels are <kind>-<name below>."
    yield "#"
    yield "# taskcluster/config.yml needs:"
    yield "#   taskgraph:"
    yield '#     register: "bridge.taskgraph:register"'
    yield "#   workers:"
    yield "#     aliases:"
    for alias, pool in aliases.items():
        provisioner, worker_type = pool.task_queue.split("/")
        yield f"#       {alias}:"
        yield f"#         provisioner: {json.dumps(provisioner)}"
        yield "#         implementation: buildbot-bridge"
        yield "#         os: buildbot"
        yield f"#         worker-type: {json.dumps(worker_type)}"
    for prefix in dict.fromkeys(pool.policy.scope_prefixes[0] for pool in aliases.values()):
        yield from _scope(prefix)


def _scope(prefix: str) -> Iterator[str]:
    if prefix != SCOPE_PREFIX:
        yield "#   buildbot-bridge:"
        yield f"#     scope-prefix: {json.dumps(prefix.removesuffix(_ENDING))}"
    yield f"# Whoever creates the tasks needs the scope {prefix}<builder> for each of their builders."


def _refused(refused: Mapping[str, str]) -> Iterator[str]:
    if refused:
        yield "#"
        yield "# Not here, since no task can name them:"
    for sentence in refused.values():
        yield f"# - {shown(sentence, 1000)}"


def _frame() -> Iterator[str]:
    yield "---"
    yield "loader: taskgraph.loader.transform:loader"
    yield ""
    yield "transforms:"
    yield "  - taskgraph.transforms.run:transforms"
    yield "  - taskgraph.transforms.task:transforms"
    yield ""
    yield "# What all tasks of the kind have in common may stand here once:"
    yield "# task-defaults:"
    yield "#   run:"
    yield "#     properties: {product: widget}  # any JSON; the build sees them"
    yield "#   treeherder: {kind: build, tier: 1}  # each task then needs platform and symbol"
    yield ""
    yield "tasks:"


def _task(entry: Entry) -> Iterator[str]:
    yield f"  {_key(entry.task)}:"
    for note in entry.notes:
        yield f"    # {note}"
    yield f"    description: {json.dumps(f'{entry.builder.name} on Buildbot')}"
    yield f"    worker-type: {entry.worker_type}"
    yield "    run:"
    yield "      using: buildbot"
    yield f"      builder: {json.dumps(entry.builder.name)}"
    yield "    # dependencies: {build: build-linux64}  # the edge's name: the label of a task that must have completed"
    yield "    # treeherder: {platform: linux64/opt, symbol: B}  # platform and symbol together are unique in the graph"


def _key(name: str) -> str:
    """A key that YAML reads as that very text: `on` and `1e3` are something else without quotes."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", name) and name.lower() not in _WORDS
    return name if plain else json.dumps(name)


_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
