"""The parameter `builders_graph`: a builders-graph that comes with a push instead of standing in a kind file."""

from __future__ import annotations

from typing import Any

from taskgraph import parameters
from taskgraph.util.schema import Schema

NAME = "builders_graph"


def _defaults(_repo_root: object = None) -> dict[str, None]:
    return {NAME: None}


def _schema() -> Any:
    if not isinstance(parameters.base_schema, type):  # before taskgraph 23
        import voluptuous

        return {voluptuous.Optional(NAME): voluptuous.Any(dict, None)}

    class BuildersGraphParameter(Schema, rename=None, forbid_unknown_fields=False, kw_only=True):  # type: ignore[call-arg]
        builders_graph: dict[str, object] | None = None

    return BuildersGraphParameter


parameters.extend_parameters_schema(_schema(), defaults_fn=_defaults)
