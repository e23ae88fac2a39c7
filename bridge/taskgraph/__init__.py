"""Bridged tasks in a task graph: what a project that uses taskgraph installs to schedule Buildbot builders.

What it is for
    A project writes `taskgraph: {register: "bridge.taskgraph:register"}` into its `config.yml`, or calls `register` from a
    register function of its own. Then a kind may say `run: {using: buildbot, builder: …}`, or take its tasks from a
    builders-graph, and each such task is an ordinary task for every feature that taskgraph has.

What it promises
    A task that this package lets through has a payload that the bridge can read, and the scope that the bridge asks for.
    What it does not let through is refused while the graph is made, before anything is created, by a `DefinitionError`
    whose lines name the kind, the label and the field, what is wrong, and how to mend it.

What it does not know
    The bridge's services, Buildbot, and which builders there are. It imports taskgraph, jsonschema and `bridge.definition`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["register"]


def register(graph_config: Any) -> None:
    """Make taskgraph know bridged tasks; for `taskgraph.register`, or to be called from there. Twice is as good as once.

    Raises `DefinitionError` if the section `buildbot-bridge` of the graph config says something that cannot be.
    """
    for module in ("worker", "run", "parameters"):
        import_module(f"{__name__}.{module}")
    section = import_module(f"{__name__}.section")
    section.extend_schema()
    for action in section.read(graph_config).actions:
        import_module(f"{__name__}.actions").enable_action(action)
