"""Scenarios as YAML for people."""

from __future__ import annotations

from typing import Any

import yaml

from bridge.scenario.document import Scenario


def written(scenario: Scenario) -> str:
    """The file's text; reading it gives the scenario again."""
    return yaml.safe_dump(plain(scenario), sort_keys=False, default_flow_style=None, width=118, allow_unicode=True)


def plain(scenario: Scenario) -> dict[str, Any]:
    """The scenario without what it need not say."""
    values = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    steps = scenario.steps
    values["steps"] = [each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in steps]
    return {"scenario": scenario.scenario, **values}
