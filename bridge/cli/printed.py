"""Answers on standard output: for programs as JSON, for people as words and tables."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType


def either(data: Any, words: str | RenderableType, *, json: bool) -> None:
    """Print the one or the other."""
    if json:
        as_json(data)
    elif isinstance(words, str):
        sys.stdout.write(words)
    else:
        rich(words)


def as_json(data: Any) -> None:
    """Print JSON; times in ISO form, and as ASCII where the output takes no UTF-8."""
    plain = (sys.stdout.encoding or "utf-8").lower() not in {"utf-8", "utf8"}
    sys.stdout.write(jsonlib.dumps(data, indent=2, default=str, ensure_ascii=plain) + "\n")


def rich(shown: RenderableType) -> None:
    """Print tables and the like; as wide as the terminal, or as they need to be in a file."""
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(shown)


def flat(data: Mapping[str, Any]) -> None:
    """Print `name = value` for every setting."""
    for name, value in _flat(data, ()):
        sys.stdout.write(f"{name} = {jsonlib.dumps(value, ensure_ascii=False)}\n")


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, (*path, name))
    else:
        yield ".".join(path), value
