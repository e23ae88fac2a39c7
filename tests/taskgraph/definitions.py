"""Golden definitions: the sample's tasks as `createTask` would get them, one file each, under `golden/`.

`python -m tests.taskgraph.definitions` writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import slugid
from taskgraph.util.parameterization import resolve_task_references, resolve_timestamps

from tests.taskgraph import PARAMETERS, SAMPLE
from tests.taskgraph.generating import copied, graph

Json = dict[str, Any]
GOLDEN = Path(__file__).parent / "golden"
ROOT_URL = "https://tc.example.org"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def task_id(label: str) -> str:
    """Always the same one for a label."""
    made: str = slugid.encode(uuid.UUID(bytes=hashlib.sha256(label.encode()).digest()[:16], version=4))
    return made


DECISION = task_id("decision")


def as_created(full: Json) -> dict[str, Json]:
    """The definitions of a full task graph, by label. The environment must name `ROOT_URL`, as a decision task's does."""
    return {label: _created(label, task, full) for label, task in full.items()}


def _created(label: str, task: Json, full: Json) -> Json:
    edges = {edge: task_id(above) for edge, above in task["dependencies"].items()}
    soft = [task_id(above) for above in task.get("soft_dependencies", []) if above in full]
    definition: Json = resolve_task_references(label, task["task"], task_id(label), DECISION, edges)
    definition = resolve_timestamps(NOW.replace(tzinfo=None), definition)
    dependencies = sorted({*edges.values(), *soft}) or [DECISION]
    return definition | {"dependencies": dependencies, "taskGroupId": DECISION, "schedulerId": "demo-level-3"}


def golden() -> dict[str, Json]:
    """What was written."""
    return {path.stem: json.loads(path.read_text()) for path in GOLDEN.glob("*.json")}


def write(definitions: dict[str, Json]) -> None:
    for path in GOLDEN.glob("*.json"):
        path.unlink()
    for label, definition in definitions.items():
        (GOLDEN / f"{label}.json").write_text(json.dumps(definition, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    os.environ["TASKCLUSTER_ROOT_URL"] = ROOT_URL
    with tempfile.TemporaryDirectory(prefix="bridge-sample-") as directory:
        write(as_created(graph(copied(SAMPLE, Path(directory, "sample")), "full", PARAMETERS)))
