"""Tasks that are found again by the contents of the files under `inputs`."""

from pathlib import Path

from taskgraph.transforms.base import TransformSequence
from taskgraph.util.hash import hash_path

transforms = TransformSequence()


@transforms.add
def cache_by_content(config, tasks):
    root = Path(config.graph_config.root_dir).parent
    for task in tasks:
        task["label"] = f"{config.kind}-{task['name']}"
        digests = [hash_path(str(root / path)) for path in task.pop("inputs")]
        task["cache"] = {"type": f"{config.kind}.v1", "name": task["name"], "digest-data": digests}
        task.setdefault("attributes", {})
        yield task
