"""Graphs of builders, as people have written them for long: `{upstream builder: [downstream builders]}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from bridge.core.admission import shown
from bridge.definition.errors import DefinitionError
from bridge.definition.payload import builder_problem


@dataclass(frozen=True, slots=True)
class Node:
    """A builder, and the builders that must have built before it, in the order in which the graph names them."""

    builder: str
    upstream: tuple[str, ...]


BuildersGraph = tuple[Node, ...]
"""Each builder once, upstream ones before those that need them; else in the order of their first mention."""

Edge = tuple[str | None, str]


def builders_graph(written: object, where: str = "builders-graph") -> BuildersGraph:
    """Read a graph. Forms: `{"a": ["b", "c"]}`; nested, `{"a": {"b": {"c": None}}}`; both mixed; a builder may occur often.

    Raises `DefinitionError` for anything else, for names that cannot be builders, and for circles. `where` begins its text.
    """
    if not isinstance(written, Mapping) or not written:
        raise DefinitionError(f"{where}: must map builders to the builders after them, such as {_EXAMPLE}.")
    try:
        upstream = _upstream(written, where)
    except RecursionError:  # in YAML a mapping can hold itself
        raise DefinitionError(f"{where}: is nested without an end. Write it flat, such as {_EXAMPLE}.") from None
    return tuple(Node(builder, tuple(upstream[builder])) for builder in _ordered(upstream, where))


_EXAMPLE = '{"build": ["test", "package"]}'


def _upstream(written: Mapping[object, object], where: str) -> dict[str, dict[str, None]]:
    upstream: dict[str, dict[str, None]] = {}
    for above, builder in _edges(written, None, where):
        parents = upstream.setdefault(builder, {})
        if above is not None:
            parents[above] = None
    return upstream


def _edges(written: Mapping[object, object], above: str | None, where: str) -> Iterator[Edge]:
    for name, below in written.items():
        builder = _name(name, where)
        yield above, builder
        yield from _below(below, builder, f"{where}[{shown(builder)!r}]")


def _below(below: object, builder: str, where: str) -> Iterator[Edge]:
    match below:
        case None:
            return
        case Mapping():
            yield from _edges(below, builder, where)
        case str():
            raise DefinitionError(f"{where}: is the string {shown(below)!r}. Write a list: [{shown(below)!r}].")
        case Sequence():
            for each in below:
                if isinstance(each, Mapping):
                    yield from _edges(each, builder, where)
                else:
                    yield builder, _name(each, where)
        case _:
            raise DefinitionError(f"{where}: must be a list of builders or a mapping, such as {_EXAMPLE}.")


def _name(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise DefinitionError(f"{where}: {shown(repr(name))} is not a builder's name. Put it in quotes, if it is one.")
    if problem := builder_problem(name, f"{where}: builder {shown(name)!r}"):
        raise DefinitionError(problem)
    return name


def _ordered(upstream: Mapping[str, Mapping[str, None]], where: str) -> list[str]:
    try:
        return list(TopologicalSorter(upstream).static_order())
    except CycleError as error:
        circle: list[str] = error.args[1]
        told = " → ".join(shown(builder) for builder in circle)
        raise DefinitionError(f"{where}: goes in a circle: {told}. No builder can wait for itself; drop a step.") from None
