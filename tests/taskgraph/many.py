"""A project of very many tasks: the sample's, with one kind whose transform makes as many as a parameter of its file says.

The tasks stand in layers. Each depends on two of the layer before it, so that all of them wait for others, and a layer
becomes pending in bursts.
"""

import shutil
from pathlib import Path

from tests.taskgraph import SAMPLE

LAYERS = 10
BUILDERS = tuple(f"demo many {number}" for number in range(8))
KIND = """
loader: taskgraph.loader.default:loader
transforms: [demo_taskgraph.many:transforms]
tasks:
  many:
    description: One of many
    worker-type: buildbot
    how-many: {count}
"""
TRANSFORM = f"""
from copy import deepcopy

from taskgraph.transforms.base import TransformSequence

transforms = TransformSequence()


@transforms.add
def multiply(config, tasks):
    for task in tasks:
        count = task.pop("how-many")
        width = count // {LAYERS}
        for number in range(count):
            one = deepcopy(task)
            one["name"] = f"many-{{number:04}}"
            above = {{number - width, number - width - 1}} if number >= width else set()
            labels = [f"{{config.kind}}-many-{{max(each, 0):04}}" for each in sorted(above)]
            one["dependencies"] = {{label: label for label in labels}}
            properties = {{"number": number}}
            if labels:
                properties["before"] = {{"task-reference": f"<{{labels[0]}}>"}}
            one["run"] = {{"using": "buildbot", "builder": f"{{{{project}}}} many {{number % {len(BUILDERS)}}}", "properties": properties}}
            yield one
"""


def write(directory: Path, count: int) -> Path:
    """Write the project into a directory; so many tasks, a multiple of `LAYERS`."""
    shutil.copytree(SAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__"))
    kinds = directory / "taskcluster" / "kinds"
    shutil.rmtree(kinds)
    (kinds / "many").mkdir(parents=True)
    (kinds / "many" / "kind.yml").write_text(KIND.format(count=count))
    (directory / "taskcluster" / "demo_taskgraph" / "many.py").write_text(TRANSFORM)
    return directory
