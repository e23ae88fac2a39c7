"""What this project adds to taskgraph."""

from importlib import import_module
from importlib.util import find_spec

from bridge.taskgraph import register as register_bridge


def register(graph_config):
    register_bridge(graph_config)
    if find_spec("mozilla_taskgraph"):
        # The action release-promotion is mozilla-taskgraph's; a project without releases needs neither.
        import_module("mozilla_taskgraph").register(graph_config)
        import_module("mozilla_taskgraph.actions").enable_action("release-promotion")
    import_module("demo_taskgraph.parameters")
    import_module("demo_taskgraph.target_tasks")
