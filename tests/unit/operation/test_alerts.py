"""Alert rules: promtool finds them right, each fires in a test, and they ask for metrics that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.metrics import Metrics
from tests.sandbox.environment import ROOT

RULES = ROOT / "helm" / "files" / "alerts.yml"
TESTS = Path(__file__).with_name("alerts.test.yml")
NAME = re.compile(r"\bbuildbot_bridge_\w+")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def exported() -> set[str]:
    """The names of all samples that a service may export."""
    found = {family.name: family.type for family in Metrics("test", "0").registry.collect()}
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {name + end for name, kind in found.items() for end in ends.get(kind, ("",))}


@pytest.fixture
def promtool(tmp_path: Path) -> str:
    for path in (RULES, TESTS):
        shutil.copy(path, tmp_path)
    found = shutil.which("promtool")
    assert found, "promtool is missing: ./dev setup installs it, with Debian's package prometheus"
    return found


def said(promtool: str, place: Path, *arguments: str) -> str:
    done = subprocess.run([promtool, *arguments], cwd=place, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules(promtool: str, tmp_path: Path) -> None:
    assert f"{len(rules())} rules found" in said(promtool, tmp_path, "check", "rules", RULES.name)


def test_each_alert_fires_when_it_should_and_not_otherwise(promtool: str, tmp_path: Path) -> None:
    said(promtool, tmp_path, "test", "rules", TESTS.name)
    tried = set(re.findall(r'alertname="(\w+)"', TESTS.read_text()))
    assert tried == {rule["alert"] for rule in rules()}


def test_the_rules_ask_for_metrics_that_there_are() -> None:
    asked = {name for rule in rules() for name in NAME.findall(rule["expr"])}
    assert asked <= exported()


def test_each_alert_says_how_grave_it_is_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_each_alert_is_explained_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in text] == []
