"""Tasks that come after all tasks of the kinds that their kind depends on."""

from taskgraph.transforms.base import TransformSequence

transforms = TransformSequence()


@transforms.add
def wait_softly(config, tasks):
    for task in tasks:
        task["soft-dependencies"] = sorted(config.kind_dependencies_tasks)
        yield task
