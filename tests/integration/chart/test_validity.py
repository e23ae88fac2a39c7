"""What the chart makes is what Kubernetes takes, in several versions, made alike by both versions of Helm."""

import json
from collections import Counter
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.integration.chart.crds import SHAPES
from tests.integration.chart.rendering import HELMS, KINDS_OF_VALUES, Manifest, Object, helm, of_file
from tests.integration.chart.values import CHART
from tests.sandbox.helm import HELM3, HELM4, Helm

# From the first that the chart says it needs to the newest that is known.
VERSIONS = ("1.30.0", "1.32.0", "1.34.0", kubernetes_validate.latest_version())
# What the versions above still take and a later one will not, or not much longer.
OLD_GROUPS = (
    "extensions/",
    "networking.k8s.io/v1beta",
    "policy/v1beta",
    "batch/v1beta",
    "autoscaling/v1",
    "autoscaling/v2beta",
)

every_file = pytest.mark.parametrize("path", KINDS_OF_VALUES, ids=lambda path: path.stem)
every_helm = pytest.mark.parametrize("which", HELMS, ids=lambda which: f"helm {which.version}")


@every_helm
def test_it_is_the_helm_that_is_meant(which: Helm) -> None:
    assert helm(which, "version", "--template", "{{ .Version }}") == f"v{which.version}"


@every_helm
@every_file
def test_lint_finds_nothing(which: Helm, path: Path) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in helm(which, "lint", "--strict", CHART, "--values", path)


@every_file
def test_both_helms_make_the_same(path: Path) -> None:
    assert of_file(path, HELM3) == of_file(path, HELM4)


@pytest.mark.parametrize("version", VERSIONS)
@every_file
def test_kubernetes_takes_every_object(path: Path, version: str) -> None:
    own = [each for each in Manifest(of_file(path)).objects if each["kind"] not in SHAPES]
    assert len(own) > 5
    for each in own:
        kubernetes_validate.validate(each, version, strict=True)


@every_file
def test_operators_take_their_objects(path: Path) -> None:
    for each in Manifest(of_file(path)).objects:
        if each["kind"] in SHAPES:
            jsonschema.validate(each, SHAPES[each["kind"]])


def test_every_kind_is_made_by_some_values() -> None:
    made = {each["kind"] for path in KINDS_OF_VALUES for each in Manifest(of_file(path)).objects}
    assert set(SHAPES) <= made
    assert made - set(SHAPES) == {
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    }


@every_file
def test_no_version_of_an_api_is_an_old_one(path: Path) -> None:
    used = {each["apiVersion"] for each in Manifest(of_file(path)).objects}
    assert [version for version in used if version.startswith(OLD_GROUPS)] == []


@every_file
def test_no_object_is_made_twice(path: Path) -> None:
    names = Counter((each["kind"], each["metadata"]["name"]) for each in Manifest(of_file(path)).objects)
    assert {name for name, count in names.items() if count > 1} == set()


def test_an_object_with_a_key_that_kubernetes_does_not_know_would_be_found() -> None:
    deployment: Object = Manifest(of_file(KINDS_OF_VALUES[0])).of("Deployment")["reflector"]
    wrong = json.loads(json.dumps(deployment))
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolcy"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)
    monitor = Manifest(of_file(CHART / "ci" / "full-values.yaml")).of("PodMonitor")[""]
    with pytest.raises(jsonschema.ValidationError, match="targetLabels"):
        jsonschema.validate({**monitor, "spec": {**monitor["spec"], "targetLabels": []}}, SHAPES["PodMonitor"])


def test_the_chart_is_of_the_projects_version() -> None:
    project = (CHART.parent / "bridge" / "master" / "VERSION").read_text().strip()
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (project, project)


@every_helm
def test_it_can_be_packed(which: Helm, tmp_path: Path) -> None:
    helm(which, "package", CHART, "--destination", tmp_path)
    (packed,) = tmp_path.glob("buildbot-bridge-*.tgz")
    minimal = CHART / "ci" / "minimal-values.yaml"
    again = helm(which, "template", "bridge", packed, "--namespace", "ci", "--values", minimal)
    assert again == of_file(minimal, which)
