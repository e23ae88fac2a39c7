"""From files to scenarios, and what people read when a file cannot be one. Nothing but files is read here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.core.admission import shown
from bridge.scenario.document import Scenario
from bridge.scenario.steps import KINDS

_LARGEST: Final = 4 << 20  # bytes; a year of one task is far less
_MOST: Final = 20  # problems that are told at once
_KIND: Final = f"needs exactly one of {', '.join(KINDS)}: what happens, or must be so"
_CURES: Final = {
    "extra_forbidden": "is no key of the format. Correct its name, or drop it; `bbb replay --schema` prints the format",
    "missing": "is missing. Add it; `bbb replay --schema` prints the format",
    "union_tag_not_found": _KIND,
    "union_tag_invalid": _KIND,
}


class ScenarioError(Exception):
    """The file cannot be a scenario; the text says where, what is wrong, and how to mend it."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        more = [f"… and {len(problems) - _MOST} more"] if len(problems) > _MOST else []
        listed = "\n".join(f"- {each}" for each in [*problems[:_MOST], *more])
        super().__init__(f"The scenario {name} cannot be played:\n{listed}")


def read(path: Path) -> Scenario:
    """Read a file. Raises `ScenarioError`."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ScenarioError(str(path), [f"The file is larger than {_LARGEST} bytes. Is it a scenario?"])
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ScenarioError(str(path), [f"The file cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError:
        raise ScenarioError(str(path), ["The file is not UTF-8."]) from None


def parse(text: str, name: str) -> Scenario:
    """Read a scenario from YAML; `name` stands in the message of a `ScenarioError`."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if found := list(_doubtful(tree, text)):
            raise ScenarioError(name, found)
        written = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ScenarioError(name, [_not_yaml(error)]) from None
    if not isinstance(written, dict):
        raise ScenarioError(name, ["line 1: a scenario is a mapping that begins with `scenario: 1`."])
    try:
        return Scenario.model_validate(written)
    except ValidationError as error:
        assert tree is not None  # noqa: S101  a mapping was read from it
        raise ScenarioError(name, [_problem(each, tree) for each in error.errors(include_url=False)]) from None


def schema() -> dict[str, Any]:
    """The format's JSON schema (draft 2020-12), as it is published."""
    found: dict[str, Any] = json.loads(_package().joinpath("scenario.v1.schema.json").read_text(encoding="utf-8"))
    return found


def library() -> Mapping[str, Scenario]:
    """The scenarios that come with the bridge, by the names of their files."""
    files = (entry for entry in _package().joinpath("library").iterdir() if entry.name.endswith(".yml"))
    ordered = sorted(files, key=lambda entry: entry.name)
    return {entry.name.removesuffix(".yml"): parse(entry.read_text(encoding="utf-8"), entry.name) for entry in ordered}


def named(name: str) -> list[tuple[str, Scenario]]:
    """The scenarios of the library by this name, or that show the catalogue's scenario of this id."""
    return [(key, each) for key, each in library().items() if name in (key, *each.ids)]


def _package() -> Traversable:
    return resources.files("bridge.scenario")


def _not_yaml(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = shown(" ".join(str(getattr(error, "problem", None) or error).split()), 200)
    return f"line {mark.line + 1}: the file is not YAML: {said}." if mark is not None else f"The file is not YAML: {said}."


def _doubtful(node: yaml.Node | None, text: str) -> Iterator[str]:
    """What YAML lets pass and people do not mean: keys that stand twice, and aliases, which can grow without bound."""
    if "*" in text and any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
        yield "The file uses a YAML alias (*name). Write the value out."
        return
    yield from _twice(node)


def _twice(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen = set[str]()
        for key, value in node.value:
            if key.value in seen:
                yield f"line {key.start_mark.line + 1}: `{shown(str(key.value))}` stands twice. Drop one of them."
            seen.add(str(key.value))
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _twice(value)


def _problem(error: ErrorDetails, tree: yaml.Node) -> str:
    path, line = _place(error["loc"], tree)
    where = f"line {line}: {f'`{path}` ' if path else ''}"
    if error["type"] == "missing":
        where = f"line {line}: `{path}{'.' if path else ''}{error['loc'][-1]}` "
    cure = _CURES.get(error["type"])
    said = error["msg"].removeprefix("Value error, ")
    given = "" if cure or isinstance(error["input"], dict | list) else f" (it is {shown(repr(error['input']))})"
    return f"{where}{cure or said[:1].lower() + said[1:]}{given}."


def _place(loc: Sequence[int | str], tree: yaml.Node) -> tuple[str, int]:
    """The path and the line of what is wrong; parts of `loc` that are no part of the file are passed over."""
    node, path, line = tree, "", tree.start_mark.line
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is not None and not (part in KINDS and isinstance(found[1], yaml.ScalarNode) and part != loc[-1]):
                path, line, node = (
                    f"{path}.{shown(str(part))}" if path else shown(str(part)),
                    found[0].start_mark.line,
                    found[1],
                )
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            path, line = f"{path}[{part}]", node.start_mark.line
    return path, line + 1
