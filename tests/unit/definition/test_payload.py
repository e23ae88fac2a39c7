"""The schema that others get is what the bridge itself checks with."""

from __future__ import annotations

import jsonschema
import pytest

from bridge.core.admission import RESERVED
from bridge.definition import builder_problem, builder_scope, payload_schema
from bridge.taskcluster import payload

MEND = "write bridge.taskcluster.payload.payload_schema() into bridge/definition/payload.v1.schema.json, with indent=2"


def test_the_file_is_what_the_bridge_checks_with() -> None:
    assert payload_schema() == payload.payload_schema(), MEND


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_that_the_bridge_sets_are_refused_by_the_schema_too(name: str) -> None:
    check = jsonschema.Draft202012Validator(payload_schema())
    assert check.is_valid({"buildername": "b", "properties": {"mine": 1}})
    assert not check.is_valid({"buildername": "b", "properties": {name: 1}})


def test_a_scope_is_prefix_and_name() -> None:
    assert builder_scope("widget main tests") == "buildbot-bridge:builder-name:widget main tests"
    assert builder_scope("b", "project:x:builder:") == "project:x:builder:b"


@pytest.mark.parametrize("name", ["", "b*", "*", "bäcker", "a\nb", "\u202e"])
def test_a_name_that_no_scope_can_name_has_its_sentence(name: str) -> None:
    said = builder_problem(name, "task x: builder")
    assert said is not None
    assert said.startswith("task x: builder")


def test_other_names_have_none() -> None:
    assert builder_problem("widget *main* {project} tests", "builder") is None
