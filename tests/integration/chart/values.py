"""Reads values.yaml as people do: every value with its place, its default, and the words above it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.sandbox.environment import ROOT

CHART = ROOT / "helm"
VALUES = CHART / "values.yaml"
BEGIN = "# -- "

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One key of values.yaml."""

    path: Path
    default: Any
    words: str
    """What stands above it; empty where the key above it says it all."""


def values() -> list[Value]:
    """All keys, from the top."""
    text = VALUES.read_text()
    return list(_below(yaml.compose(text), yaml.safe_load(text), text.splitlines(), ()))


def leaves() -> list[Value]:
    """All keys that hold a single value, a list or an empty map."""
    return [each for each in values() if not (isinstance(each.default, dict) and each.default)]


def _below(node: Any, default: Any, lines: list[str], path: Path) -> Iterator[Value]:
    for key, inner in node.value:
        place = (*path, key.value)
        yield Value(place, default[key.value], _words(lines, key.start_mark.line))
        if isinstance(inner, yaml.MappingNode):
            yield from _below(inner, default[key.value], lines, place)


def _words(lines: list[str], line: int) -> str:
    found: list[str] = []
    while line and (comment := lines[line - 1].strip()).startswith("# "):
        found.insert(0, comment)
        line -= 1
        if comment.startswith(BEGIN):
            return " ".join(each.removeprefix(BEGIN).removeprefix("# ") for each in found)
    return ""


def dotted(path: Path) -> str:
    """A place as Helm's messages and `--set` write it."""
    return ".".join(part.replace(".", "\\.") for part in path)


def nested(path: Path, value: Any) -> dict[str, Any]:
    """Values with nothing but this one."""
    for part in reversed(path):
        value = {part: value}
    return value


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Values as Helm merges files of them: maps by key, all else is replaced."""
    whole: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            before = whole.get(key)
            whole[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return whole
