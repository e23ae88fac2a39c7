"""The dashboard asks for metrics and labels that there are, in PromQL that Prometheus understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from bridge.metrics import Metrics
from tests.sandbox.environment import ROOT
from tests.unit.operation.test_alerts import NAME, exported, said

DASHBOARD: dict[str, Any] = json.loads((ROOT / "helm" / "files" / "dashboard.json").read_text())
_BY = re.compile(r"\bby \(([\w, ]+)\)")
_OF_PROMETHEUS = {"le", "instance"}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def targets() -> Iterator[dict[str, Any]]:
    for panel in panels():
        yield from panel["targets"]


def labels() -> dict[str, set[str]]:
    """The labels of each metric, by its family's name."""
    collectors: Iterable[Any] = Metrics("test", "0").registry._collector_to_names
    return {each._name: set(each._labelnames) for each in collectors if hasattr(each, "_labelnames")}


def test_it_asks_for_metrics_that_there_are() -> None:
    asked = {name for target in targets() for name in NAME.findall(target["expr"])}
    assert asked <= exported()


def test_every_metric_of_ours_is_shown() -> None:
    shown = {re.sub(r"_(total|bucket)$", "", name) for target in targets() for name in NAME.findall(target["expr"])}
    ours = {family.name for family in Metrics("test", "0").registry.collect() if family.name.startswith("buildbot_bridge_")}
    left = {"buildbot_bridge_transitions", "buildbot_bridge_loop_silence_seconds"}
    assert ours - shown == left


def test_labels_of_legends_are_those_of_the_sums() -> None:
    for target in targets():
        wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        found = _BY.search(target["expr"])
        given = set(found[1].replace(" ", "").split(",")) if found else {"instance"}
        assert wanted <= given, target


def test_sums_are_by_labels_that_the_metrics_have() -> None:
    known = labels()
    for target in targets():
        if found := _BY.search(target["expr"]):
            (name,) = {re.sub(r"_(total|bucket)$", "", each) for each in NAME.findall(target["expr"])}
            assert set(found[1].replace(" ", "").split(",")) <= known[name] | _OF_PROMETHEUS, target


def test_prometheus_understands_its_queries(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": target["expr"]} for number, target in enumerate(targets())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in said("promtool", tmp_path, "check", "rules", "--lint=none", "rules.yml")


def test_panels_lie_beside_each_other_and_have_names() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(panel["title"] for panel in DASHBOARD["panels"])
