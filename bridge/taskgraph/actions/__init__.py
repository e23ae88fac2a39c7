"""Actions that a project may offer on its task groups; none is offered unless the project enables it."""

from __future__ import annotations

from typing import Any

from taskgraph.actions import registry

from bridge.definition import DefinitionError
from bridge.taskgraph.actions import submit_builders

AVAILABLE = {"submit-builders": (submit_builders.submit_builders, submit_builders.OFFERED)}


def enable_action(name: str, **overrides: Any) -> None:
    """Offer the action `name`; `overrides` replace arguments of `taskgraph.actions.registry.register_callback_action`.

    To be called from a project's register function; `actions:` in the section `buildbot-bridge` of the graph config does
    the same without overrides. What is offered already stays as it is. Raises `DefinitionError` for an unknown action.
    """
    if name not in AVAILABLE:
        raise DefinitionError(f"enable_action: there is no action {name!r}. There is {', '.join(AVAILABLE)}.")
    callback, offered = AVAILABLE[name]
    if registry.callbacks.get(overrides.get("cb_name", name)) is not callback:
        registry.register_callback_action(**{**offered, **overrides})(callback)
