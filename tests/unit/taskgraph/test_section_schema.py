"""Our section becomes part of taskgraph's schema of a graph config, whatever made that schema."""

from __future__ import annotations

from typing import Any

import pytest
import voluptuous
from taskgraph import config
from taskgraph.util.schema import LegacySchema, Schema, validate_schema

from bridge.taskgraph.section import extend_schema


class OfSomebody(Schema, forbid_unknown_fields=True, kw_only=True):  # type: ignore[call-arg,misc]
    trust_domain: str


OLD_STYLE = LegacySchema({voluptuous.Required("trust-domain"): str})


@pytest.mark.parametrize("theirs", [OfSomebody, OLD_STYLE], ids=["msgspec", "voluptuous"])
def test_the_section_is_known_and_the_rest_stays_checked(monkeypatch: pytest.MonkeyPatch, theirs: Any) -> None:
    ours = {"trust-domain": "demo", "buildbot-bridge": {"retries": 5}}
    with pytest.raises(Exception, match="buildbot-bridge"):
        validate_schema(theirs, ours, "before")
    # Not ours: taskgraph keeps its one schema in this global, which `extend_schema` replaces for good. Each form of schema that
    # a release may have there is put in, and what the other tests need is put back.
    monkeypatch.setattr(config, "graph_config_schema", theirs)
    extend_schema()
    once = config.graph_config_schema
    extend_schema()
    assert config.graph_config_schema is once
    config.validate_graph_config(ours)
    for wrong in ({"trust-domain": 3}, {"trust-domain": "demo", "buildbot-bridge": "x"}):
        with pytest.raises(Exception, match="Invalid graph configuration"):
            config.validate_graph_config(wrong)
