"""The text of a builders-graph file; not part of the package's front, since it needs PyYAML."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from bridge.core.admission import shown
from bridge.definition.builders import BuildersGraph, builders_graph
from bridge.definition.errors import DefinitionError


class _Loader(yaml.SafeLoader):
    """Reads plain values only, and no key twice: YAML would silently keep the last one, and drop builders with the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{shown(key.value)!r} stands there twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def graph_of(text: str, where: str) -> BuildersGraph:
    """Read a builders-graph in YAML or JSON. Raises `DefinitionError`, which begins with `where`."""
    try:
        written = yaml.load(text, _Loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise DefinitionError(f"{where}: is neither YAML nor JSON: {_said(error)}.") from None
    except (RecursionError, ValueError):  # the second for dates such as 2026-13-13
        raise DefinitionError(
            f"{where}: cannot be read as YAML: it is nested too deeply, or holds a date that is none."
        ) from None
    return builders_graph(written, where)


def _said(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    return shown(" ".join(str(error).split()), 200)
