"""Graphs of builders: every form in which people write them, and what they read when they erred."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.definition import DefinitionError, Node, builders_graph

BUILDER = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1).filter(lambda name: name[-1] != "*")


@pytest.mark.parametrize(
    ("written", "nodes"),
    [
        ({"a": ["b", "c"]}, [Node("a", ()), Node("b", ("a",)), Node("c", ("a",))]),
        ({"a": {"b": {"c": None}}}, [Node("a", ()), Node("b", ("a",)), Node("c", ("b",))]),
        ({"a": [{"b": ["d"]}, "c"]}, [Node("a", ()), Node("b", ("a",)), Node("c", ("a",)), Node("d", ("b",))]),
        ({"b": ["c"], "a": ["b"]}, [Node("a", ()), Node("b", ("a",)), Node("c", ("b",))]),
        ({"a": ["c"], "b": ["c"]}, [Node("a", ()), Node("b", ()), Node("c", ("a", "b"))]),
        ({"a": ["b", "b"]}, [Node("a", ()), Node("b", ("a",))]),
        ({"a": []}, [Node("a", ())]),
        ({"a": None}, [Node("a", ())]),
        ({"a {project} b": ()}, [Node("a {project} b", ())]),
    ],
)
def test_a_graph_is_read_with_parents_first(written: Any, nodes: list[Node]) -> None:
    assert builders_graph(written) == tuple(nodes)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([], "must map builders"),
        ({}, "must map builders"),
        (None, "must map builders"),
        ({"a": "b"}, "kind: builders-graph['a']: is the string 'b'. Write a list: ['b']."),
        ({"a": 3}, "builders-graph['a']: must be a list"),
        ({"a": [3]}, "3 is not a builder's name"),
        ({"a": [["b"]]}, "['b'] is not a builder's name"),
        ({3: ["a"]}, "3 is not a builder's name"),
        ({"a": ["b*"]}, "builders-graph['a']: builder 'b*' ends in `*`"),
        ({"straße": []}, "not printable ASCII"),
        ({"": []}, "is empty"),
        ({"a": ["a"]}, "goes in a circle: a → a"),
        ({"a": ["b"], "b": {"c": {"a": None}}}, "goes in a circle: "),
    ],
)
def test_an_error_says_what_where_and_how_to_mend_it(written: Any, said: str) -> None:
    with pytest.raises(DefinitionError) as error:
        builders_graph(written, "kind: builders-graph")
    assert said in str(error.value)
    assert str(error.value).startswith("kind: builders-graph")
    assert str(error.value).endswith(".")


def test_a_circle_is_told_in_the_order_of_building() -> None:
    with pytest.raises(DefinitionError, match=r"(a → b → c → a|b → c → a → b|c → a → b → c)\. "):
        builders_graph({"a": ["b"], "b": ["c"], "c": ["a"]})


def test_a_graph_that_holds_itself_is_told() -> None:
    """As an alias in YAML can make it."""
    written: dict[str, object] = {}
    written["a"] = [written]
    with pytest.raises(DefinitionError, match=r"^builders-graph: is nested without an end\. Write it flat, such as"):
        builders_graph(written)


@given(st.dictionaries(BUILDER, st.lists(BUILDER)))
def test_each_builder_comes_once_and_after_all_that_it_needs(written: dict[str, list[str]]) -> None:
    try:
        nodes = builders_graph(written)
    except DefinitionError:
        return  # a circle, or nothing at all
    seen: set[str] = set()
    for node in nodes:
        assert set(node.upstream) <= seen
        assert node.builder not in seen
        seen.add(node.builder)
    assert seen == set(written) | {each for below in written.values() for each in below}
