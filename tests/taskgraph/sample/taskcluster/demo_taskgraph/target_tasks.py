"""Which tasks of the full graph run: what a push runs is taskgraph's default, these are for releases and for try."""

from taskgraph.target_tasks import register_target_task


def _in_phases(full_task_graph, phases):
    return [label for label, task in full_task_graph.tasks.items() if task.attributes.get("shipping_phase") in phases]


@register_target_task("promote")
def promote(full_task_graph, parameters, graph_config):
    return _in_phases(full_task_graph, ["promote"])


@register_target_task("ship")
def ship(full_task_graph, parameters, graph_config):
    return _in_phases(full_task_graph, ["promote", "ship"])


@register_target_task("try_tasks")
def try_tasks(full_task_graph, parameters, graph_config):
    """Labels that came with the push, in try_task_config.json:

    {"version": 2, "parameters": {"target_tasks_method": "try_tasks", "try_tasks": ["test-linux64-1"]}}
    """
    wanted = parameters["try_tasks"] or []
    unknown = sorted(set(wanted) - set(full_task_graph.tasks))
    if unknown:
        raise ValueError(f"try_tasks: no task has the label {', '.join(unknown)}")
    return wanted
