"""The payload builder `buildbot-bridge`: from a task description's `worker` to the payload that the bridge reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskgraph.transforms.task import payload_builder
from taskgraph.util.schema import Schema

from bridge.definition import builder_scope
from bridge.taskgraph import payload, section
from bridge.taskgraph.errors import refuse_kind

IMPLEMENTATION = "buildbot-bridge"


class BridgeWorker(Schema, forbid_unknown_fields=False, kw_only=True):  # type: ignore[call-arg]
    """Only what taskgraph itself must know: the payload is checked by `build_payload`, in sentences for people."""

    implementation: str
    os: str | None = None


@payload_builder(IMPLEMENTATION, schema=BridgeWorker)
def build_payload(config: Any, task: dict[str, Any], task_def: dict[str, Any]) -> None:
    """Write payload, scope, retries and what retriggering asks for. Raises `DefinitionError`."""
    common = section.read(config.graph_config)
    written = {key: value for key, value in task["worker"].items() if key not in ("implementation", "os")}
    if "properties" in written or common.properties:
        written["properties"] = _merged(common.properties, written.get("properties"))
    if not {"sourcestamp", "sourcestamps"} & set(written):
        written["sourcestamp"] = default_sourcestamp(config.params)
    refuse_kind(f"kind {config.kind}: task {task['label']}", payload.problems(written, field))
    task_def["payload"] = written
    _allow(task_def, builder_scope(written["buildername"], common.scope_prefix))
    if common.retries is not None:
        task_def["retries"] = common.retries
    _offer_retrigger(task, task_def)


def field(key: str) -> str:
    """How a person writes a key of the payload."""
    return f"worker.{key}"


def _merged(common: Mapping[str, object], own: object) -> object:
    """The task's own properties over the project's; what is no mapping is left for the check to tell."""
    return {**common, **own} if isinstance(own, Mapping) else ({**common} if own is None else own)


def default_sourcestamp(params: Mapping[str, Any]) -> dict[str, str]:
    """The push's own source; what the parameters leave empty is left out."""
    stamp = {
        "branch": (params.get("head_ref") or "").removeprefix("refs/heads/"),
        "revision": params.get("head_rev"),
        "repository": params.get("head_repository"),
        "project": params.get("project"),
    }
    return {key: value for key, value in stamp.items() if value}


def _allow(task_def: dict[str, Any], scope: str) -> None:
    if scope not in task_def["scopes"]:
        task_def["scopes"].append(scope)


def _offer_retrigger(task: dict[str, Any], task_def: dict[str, Any]) -> None:
    """The action is offered for the tag, and runs for the attribute; without taskgraph's own setting of either."""
    attributes = task.setdefault("attributes", {})
    if attributes.setdefault("retrigger", True):
        task_def["tags"].setdefault("retrigger", "true")
