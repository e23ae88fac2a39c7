"""What the chart makes around its pods: for Prometheus, for Grafana, for several regions, for people."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.chart.rendering import (
    FULL,
    KINDS_OF_VALUES,
    SERVICES,
    Manifest,
    covers,
    helm,
    manifest,
    of_file,
)
from tests.integration.chart.values import CHART, merged
from tests.sandbox.helm import HELM4

every_file = pytest.mark.parametrize("path", KINDS_OF_VALUES, ids=lambda path: path.stem)


def test_prometheus_is_led_to_the_metrics_of_all_pods(full: Manifest) -> None:
    monitor = full.one("PodMonitor")
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in full.of("Deployment").values()]
    assert all(covers(monitor["spec"]["selector"], each) for each in labels)
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("health", "/metrics")
    assert endpoint["relabelings"] == [{"action": "replace", "targetLabel": "region", "replacement": "eu-west"}]
    by_service = Manifest(of_file(CHART / "ci" / "service-monitor-values.yaml"))
    (monitor,) = by_service.of("ServiceMonitor").values()
    services = by_service.of("Service").values()
    (service,) = (each for each in services if covers(monitor["spec"]["selector"], each["metadata"]["labels"]))
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_prometheus_takes_the_rules_that_are_made(full: Manifest, tmp_path: Path) -> None:
    spec = full.one("PrometheusRule")["spec"]
    source = yaml.safe_load((CHART / "files" / "alerts.yml").read_text())
    wanted = [rule for rule in source["groups"][0]["rules"] if rule["alert"] != "BuildbotBridgeNoTime"]
    assert spec["groups"][0]["rules"] == wanted
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(spec))
    done = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert f"{len(wanted)} rules found" in done.stdout, done.stderr


def test_the_dashboard_arrives_as_it_is(full: Manifest) -> None:
    made = full.one("ConfigMap", "dashboard")
    assert made["data"]["buildbot-bridge.json"] == (CHART / "files" / "dashboard.json").read_text()
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_regions_have_names_of_their_own(full: Manifest) -> None:
    here = manifest(FULL, {"region": "us-east"})
    assert not {each["metadata"]["name"] for each in here.objects} & {each["metadata"]["name"] for each in full.objects}
    assert {
        each["metadata"]["labels"]["buildbot-bridge/region"] for each in here.objects if "labels" in each["metadata"]
    } == {"us-east"}
    for deployment in here.of("Deployment").values():
        # What replicas are called after: as much of the pod's name as they take.
        assert "us-east" in deployment["metadata"]["name"][:40]


def test_long_names_are_cut_and_stay_names() -> None:
    made = manifest(FULL, {"fullnameOverride": "a-name-so-long-that-nothing-can-be-appended-to-it-any-more"})
    assert max(len(each["metadata"]["name"]) for each in made.objects) <= 63


def notes(given: dict[str, Any]) -> str:
    """The notes; Helm 3 shows them only to those who have a cluster."""
    said = helm(HELM4, "install", "bridge", CHART, "--namespace", "ci", "--dry-run=client", given=given)
    return said.rsplit("NOTES:", 1)[1]


def test_the_notes_say_where_things_are_and_what_is_missing() -> None:
    full = notes(FULL)
    assert "serves worker group buildbot in region eu-west: buildbot-listener, reflector, taskcluster-listener, web." in full
    assert "https://bridge.example.org/" in full
    assert "https://logs.example.org/" in full
    assert "WARNING" not in full
    shut = merged(
        FULL, {"networkPolicy": {"metricsFrom": [], "statusFrom": [], "liveLogsFrom": []}, "migration": {"enabled": False}}
    )
    for missing in ("metricsFrom", "statusFrom", "liveLogsFrom", "Run `bbb migrate` yourself"):
        assert missing in notes(shut)


def test_the_readmes_example_is_enough() -> None:
    text = (CHART / "README.md").read_text()
    given = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    made = manifest(given)
    assert set(made.of("Deployment")) == SERVICES
    named = {word.removeprefix("--from-file=") for word in text.split() if word.startswith("--from-file=")}
    for _, pod in made.pods():
        (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
        assert {item["key"] for item in secret["items"]} == named
        assert secret["secretName"] == "bridge"
