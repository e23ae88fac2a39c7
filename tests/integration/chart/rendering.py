"""Renders the chart with a real Helm, and finds one's way in what comes out."""

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.integration.chart.values import CHART, merged
from tests.sandbox.helm import HELM3, HELM4, Helm, ensure

KINDS_OF_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
HELMS = (HELM3, HELM4)
FULL = yaml.safe_load((CHART / "ci" / "full-values.yaml").read_text())
MINIMAL = yaml.safe_load((CHART / "ci" / "minimal-values.yaml").read_text())

SERVICES = frozenset({"taskcluster-listener", "buildbot-listener", "reflector", "web"})
COMPONENT = "app.kubernetes.io/component"

Object = dict[str, Any]
Values = dict[str, Any]


class RefusedError(Exception):
    """Helm does not take the values; its words."""


def helm(which: Helm, *arguments: str | Path, given: Values | None = None) -> str:
    """What Helm prints; `given` are values, after those of files."""
    command = [ensure(which), *arguments]
    if given is not None:
        command += ["--values", "-"]
    text = None if given is None else json.dumps(given)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False, cwd=CHART)
    if done.returncode:
        raise RefusedError(done.stdout + done.stderr)
    return done.stdout


def rendered(given: Values, which: Helm = HELM4, *more: str) -> str:
    """The manifest for values."""
    return helm(which, "template", "bridge", CHART, "--namespace", "ci", *more, given=given)


@cache
def of_file(path: Path, which: Helm = HELM4) -> str:
    """The manifest for a file of values."""
    return rendered(yaml.safe_load(path.read_text()), which)


class Manifest:
    """The objects of a manifest."""

    def __init__(self, text: str) -> None:
        self.objects: list[Object] = [each for each in yaml.safe_load_all(text) if each]

    def of(self, kind: str) -> dict[str, Object]:
        """Objects of a kind, by name without the release's."""
        found = {each["metadata"]["name"]: each for each in self.objects if each["kind"] == kind}
        return {
            name.removeprefix("bridge-buildbot-bridge").removeprefix("-eu-west").lstrip("-"): each
            for name, each in found.items()
        }

    def one(self, kind: str, name: str = "") -> Object:
        return self.of(kind)[name]

    def pods(self) -> Iterator[tuple[str, Object]]:
        """The specification of every pod that comes of it, with a name."""
        for each in self.objects:
            spec = each["spec"] if each["kind"] == "Pod" else each.get("spec", {}).get("template", {}).get("spec")
            if spec and "containers" in spec:
                yield f"{each['kind']} {each['metadata']['name']}", spec


def manifest(*layers: Values) -> Manifest:
    """The objects for values, merged in this order."""
    return Manifest(rendered(merged(*layers)))


def container(pod: Object) -> Object:
    (only,) = pod["containers"]
    return only


def pod_of(objects: Manifest, service: str) -> Object:
    return objects.one("Deployment", service)["spec"]["template"]["spec"]


def covers(selector: Object, labels: Object) -> bool:
    """Whether a selector of Kubernetes takes a pod with these labels."""
    for rule in selector.get("matchExpressions", ()):
        if (labels.get(rule["key"]) in rule["values"]) is not (rule["operator"] == "In"):
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()
