"""The section `buildbot-bridge` of a project's graph config, `taskcluster/config.yml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from taskgraph import config

from bridge.definition import SCOPE_PREFIX
from bridge.taskgraph import payload
from bridge.taskgraph.errors import refuse

NAME = "buildbot-bridge"
KEYS = ("scope-prefix", "properties", "retries", "actions")
ACTIONS = ("submit-builders",)
_BEFORE_BUILDER = ":builder-name:"
_MOST_RETRIES = 49  # the queue's own bound


@dataclass(frozen=True, slots=True)
class Section:
    """What bridged tasks of the project have in common; `retries` None leaves the number to the queue."""

    scope_prefix: str = SCOPE_PREFIX
    properties: Mapping[str, object] = field(default_factory=dict)
    retries: int | None = None
    actions: tuple[str, ...] = ()


def read(graph_config: Any) -> Section:
    """The section as a value. Raises `DefinitionError`."""
    written = graph_config.get(NAME)
    if written is None:
        return Section()
    refuse(f"config.yml: {NAME}", _problems(written))
    return Section(
        scope_prefix=_prefix(written["scope-prefix"]) if "scope-prefix" in written else SCOPE_PREFIX,
        properties=written.get("properties", {}),
        retries=written.get("retries"),
        actions=tuple(written.get("actions", ())),
    )


def _prefix(written: str) -> str:
    """One with a mark at its end, such as a colon, ends where the name begins, like the bridge's own `scope_prefixes`."""
    return f"{written}{_BEFORE_BUILDER}" if written[-1].isalnum() else written


def _problems(written: object) -> Iterator[str]:
    if not isinstance(written, Mapping):
        yield f"must be a mapping, is {written!r}. Its keys are {', '.join(KEYS)}."
        return
    for key in written:
        if key not in KEYS:
            yield f"{key}: is not known here; known are {', '.join(KEYS)}. Correct the name, or drop it."
    yield from _scope_prefix(written.get("scope-prefix", NAME))
    yield from payload.problems({"buildername": "any", "properties": written.get("properties", {})}, str)
    yield from _retries(written.get("retries", 0))
    yield from _actions(written.get("actions", []))


def _scope_prefix(prefix: object) -> Iterator[str]:
    if not isinstance(prefix, str) or not prefix or not prefix.isascii() or not prefix.isprintable() or "*" in prefix:
        yield f"scope-prefix: {prefix!r} cannot begin a scope. Write printable ASCII without `*`, such as {NAME}."


def _retries(retries: object) -> Iterator[str]:
    if not isinstance(retries, int) or isinstance(retries, bool) or not 0 <= retries <= _MOST_RETRIES:
        yield f"retries: must be a whole number from 0 to {_MOST_RETRIES}, is {retries!r}. Mend it, or drop it."


def _actions(actions: object) -> Iterator[str]:
    if not isinstance(actions, list) or any(action not in ACTIONS for action in actions):
        yield f"actions: must be a list of {', '.join(ACTIONS)}, is {actions!r}. Mend it, or drop it."


def extend_schema() -> None:
    """Make the section part of what taskgraph knows of a graph config, whoever extended that before."""
    known = config.graph_config_schema
    if not isinstance(known, type):  # a project of the old style, with a schema of voluptuous
        if NAME not in {str(key) for key in known.schema}:
            config.graph_config_schema = known.extend({_optional(): dict})
    elif not hasattr(known, "buildbot_bridge"):
        config.graph_config_schema = _extended(known)


def _optional() -> Any:
    import voluptuous

    return voluptuous.Optional(NAME)


def _extended(known: Any) -> Any:
    # What may stand in it is said by `read`, whose sentences are for people.
    class BridgeGraphConfigSchema(known, forbid_unknown_fields=False, kw_only=True):  # type: ignore[call-arg]
        buildbot_bridge: dict[str, object] | None = None

    return BridgeGraphConfigSchema
