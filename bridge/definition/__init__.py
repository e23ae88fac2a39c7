"""What a task definition says to the bridge: for all who make such definitions, inside the bridge and far from it.

What it is for
    The task graph's extension, `bbb submit` and the documentation must mean the same by a payload, a builder's name, its
    scope and a builders-graph as the bridge does when it judges a task.

What it promises
    `payload.v1.schema.json` is the one JSON schema of the payload; the bridge's own check is tested to be the same.
    Only the standard library and `bridge.core` are imported, by `graph_file` also PyYAML, which taskgraph brings: a decision
    task can afford it. What a person did wrong is a
    `DefinitionError` that says what, where, and how to mend it.

What it does not know
    Taskcluster, taskgraph, Buildbot, pools, settings. Whether a builder exists, and whether a pool admits it.
"""

from bridge.definition.builders import BuildersGraph, Node, builders_graph
from bridge.definition.errors import DefinitionError
from bridge.definition.labels import task_name
from bridge.definition.payload import SCOPE_PREFIX, builder_problem, builder_scope, inadmissible, payload_schema

__all__ = [
    "SCOPE_PREFIX",
    "BuildersGraph",
    "DefinitionError",
    "Node",
    "builder_problem",
    "builder_scope",
    "builders_graph",
    "inadmissible",
    "payload_schema",
    "task_name",
]
