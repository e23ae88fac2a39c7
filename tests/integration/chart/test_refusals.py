"""What is no value of the chart, or does not fit the others, is refused by its name and in words."""

from typing import Any

import pytest

from tests.integration.chart import schema
from tests.integration.chart.rendering import HELMS, MINIMAL, Manifest, RefusedError, rendered
from tests.integration.chart.values import Path, dotted, leaves, merged, nested, values
from tests.sandbox.helm import Helm

DEFAULTS: dict[str, Any] = merged(*(nested(each.path, each.default) for each in leaves()))


def maps() -> list[Path]:
    """The maps whose keys the chart knows, all of them."""
    closed = {each.path for each in values() if isinstance(each.default, dict) and each.default}
    open_ = {path for path in closed if any(part in schema.OPEN or part == "labels" for part in path)}
    within = {("settings", each) for each in ("taskcluster", "pulse", "database", "log")}
    return sorted({(), *closed, *within} - open_ - {("services",)})


@pytest.mark.parametrize("which", HELMS, ids=lambda which: f"helm {which.version}")
def test_a_key_that_is_none_is_refused_by_its_name_and_place(which: Helm) -> None:
    wrong = merged(*(nested((*path, "nosuch.key"), 1) for path in maps()))
    with pytest.raises(RefusedError) as refused:
        rendered(merged(MINIMAL, wrong), which)
    said = str(refused.value)
    for path in maps():
        named = {
            f"- {'.'.join(path) or '(root)'}: Additional property nosuch.key is not allowed",
            f"at '/{'/'.join(path)}': additional properties 'nosuch.key' not allowed".replace("'/'", "''"),
        }
        assert any(each in said for each in named), (path, said)


@pytest.mark.parametrize("which", HELMS, ids=lambda which: f"helm {which.version}")
def test_a_wrong_type_is_refused_and_not_rendered(which: Helm) -> None:
    for path, wrong in {
        ("defaults", "replicas"): "two",
        ("services", "web", "enabled"): "yes",
        ("defaults", "antiAffinity"): "sometimes",
        ("image", "digest"): "latest",
        ("settings", "pulse", "prefetch"): "many",
        ("settings", "web", "port"): 0,
        ("settings", "pools", "linux", "results"): {"failure": "canceld"},
    }.items():
        with pytest.raises(RefusedError) as refused:
            rendered(merged(MINIMAL, nested(path, wrong)), which)
        assert path[-1] in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"secrets": {"existingSecret": ""}},
            "name the Secret that holds the keys buildbot-main-token, database-dsn, pulse-url, taskcluster-token",
        ),
        ({"secrets": {"externalSecret": {"enabled": True}}}, "give one of the two"),
        (
            {"secrets": {"existingSecret": "", "externalSecret": {"enabled": True}}},
            "secrets.externalSecret.store.name: name the",
        ),
        ({"services": {"web": {"enabled": True}}}, "Give secrets.files the key of status.read_token"),
        (
            {"settings": {"live_log": {"public_url": "https://logs.example.org"}}},
            "Give secrets.files the key of live_log.key",
        ),
        ({"keda": {"pulse": True}, "secrets": {"files": {"pulse.url": None}}}, "keda.pulse: secrets.files has no pulse.url"),
        (
            {"services": {"reflector": {"autoscaling": {"kind": "HorizontalPodAutoscaler", "targetCPU": 0}}}},
            "services.reflector.autoscaling: nothing",
        ),
        (
            {"services": {"reflector": {"autoscaling": {"kind": "ScaledObject", "targetCPU": 0}}}},
            "Give targetCPU, or triggers",
        ),
        ({"services": {name: {"enabled": False} for name in DEFAULTS["services"]}}, "services: none is enabled"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_does_not_fit_together_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        rendered(merged(MINIMAL, given))
    assert words in str(refused.value)


def test_a_value_on_the_command_line_reaches_a_secrets_file() -> None:
    place = dotted(("secrets", "files", "taskcluster.access_token"))
    made = Manifest(rendered(MINIMAL, HELMS[0], "--set", f"{place}=other-key"))
    pod = dict(made.pods())["Deployment bridge-buildbot-bridge-reflector"]
    (secrets,) = (each["secret"] for each in pod["volumes"] if each["name"] == "secrets")
    assert {"key": "other-key", "path": "taskcluster.access_token"} in secrets["items"]
