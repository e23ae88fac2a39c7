"""Chunks get names of their own."""

from taskgraph.transforms.base import TransformSequence

transforms = TransformSequence()


@transforms.add
def number(config, tasks):
    for task in tasks:
        task["name"] = f"{task['name']}-{task['attributes']['this_chunk']}"
        yield task
