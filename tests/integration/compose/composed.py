"""Reads compose files as an engine's client does, as far as ours go: variables, `extends`, anchors."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox.environment import ROOT

DOCKER = ROOT / "docker"
DEMO = DOCKER / "compose.yaml"
OWN = DOCKER / "compose.taskcluster.yaml"
FILES = (DEMO, OWN, DOCKER / "service.yaml")
BRIDGE = frozenset({"migrate", "taskcluster-listener", "buildbot-listener", "reflector", "web"})
"""The services of the bridge itself, in either file."""

VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")
Service = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """A file as it stands, anchors resolved."""
    known: dict[str, Any] = yaml.safe_load(path.read_text())
    return known


@cache
def services(path: Path) -> dict[str, Service]:
    """The file's services, each with what it extends; `$$` is still as written."""
    return {name: _whole(path, service) for name, service in read(path)["services"].items()}


def _whole(path: Path, service: Service) -> Service:
    if "extends" not in service:
        return service
    below = read(path.parent / service["extends"]["file"])["services"][service["extends"]["service"]]
    whole = {**below, **{key: value for key, value in service.items() if key != "extends"}}
    both = {key for key in below if key in service and isinstance(below[key], dict)}
    return whole | {key: {**below[key], **service[key]} for key in both}


def command(service: Service) -> list[str]:
    """What is run, if the image's own entry point is not replaced: its arguments. `$$` is a `$`."""
    words = [*service.get("entrypoint", ()), *service.get("command", ())]
    return [word.replace("$$", "$") for word in words]


def mounts(service: Service) -> dict[str, tuple[str, bool]]:
    """Place in the container to its source, and whether it is read only."""
    found = {}
    for text in service.get("volumes", ()):
        source, target, *flags = VARIABLE.sub(lambda match: f"${match['name']}", text).split(":")
        found[target] = (source, flags == ["ro"])
    return found
