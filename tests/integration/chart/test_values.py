"""Each value of the chart says what it changes, changes it, and is refused where it is none."""

from collections import Counter
from typing import Any

import pytest

from tests.integration.chart import reference, schema
from tests.integration.chart.rendering import FULL, HELMS, MINIMAL, Manifest, RefusedError, manifest, rendered
from tests.integration.chart.values import Path, Value, dotted, leaves, merged, nested, values
from tests.sandbox.helm import Helm

LEAVES = leaves()
DEFAULTS: dict[str, Any] = merged(*(nested(each.path, each.default) for each in LEAVES))
PEER = {"ipBlock": {"cidr": "10.9.0.0/16"}}
RULE = {"topologyKey": "topology.kubernetes.io/region", "maxSkew": 3, "whenUnsatisfiable": "DoNotSchedule"}
# A right value where one cannot be had by adding to the value that is there.
OTHER: dict[str, Any] = {
    "image.digest": f"sha256:{'a' * 64}",
    "image.pullSecrets": ["other"],
    "secrets.externalSecret.refreshInterval": "99m",
    "settings.web.host": "::",
    "defaults.tmp.sizeLimit": "99Gi",
    "defaults.env": [{"name": "OTHER", "value": "other"}],
    "defaults.envFrom": [{"configMapRef": {"name": "other"}}],
    "defaults.volumes": [{"name": "other", "emptyDir": {}}],
    "defaults.volumeMounts": [{"name": "other", "mountPath": "/other"}],
    "defaults.tolerations": [{"key": "other", "operator": "Exists"}],
    "defaults.affinity": {"nodeAffinity": {"other": "other"}},
    "defaults.topologySpread": [RULE],
    "defaults.strategy.type": "Recreate",
    "defaults.autoscaling.triggers": [{"type": "cron", "metadata": {"timezone": "other"}}],
    "securityContext.capabilities.drop": ["OTHER"],
    "status.service.type": "NodePort",
    "liveLogs.service.type": "NodePort",
    "status.httpRoute.parentRefs": [{"name": "other"}],
    "liveLogs.httpRoute.parentRefs": [{"name": "other"}],
    "status.httpRoute.timeouts.request": "99s",
    "liveLogs.httpRoute.timeouts.request": "99s",
    "networkPolicy.extraEgress": [{"to": [PEER]}],
    "metrics.interval": "99s",
    "metrics.scrapeTimeout": "9s",
    "metrics.rules.disabled": ["BuildbotBridgeDown"],
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}}],
    **{f"networkPolicy.{each}": [PEER] for each in ("metricsFrom", "statusFrom", "liveLogsFrom", "dns.to")},
    **{f"networkPolicy.{each}.to": [PEER] for each in ("database", "pulse", "https")},
    **{f"networkPolicy.{each}.ports": [9999] for each in ("dns", "database", "pulse", "https")},
}
# Values that count only beside others than ci/full-values.yaml has.
BASES: dict[str, dict[str, Any]] = {
    "secrets.existingSecret": MINIMAL,
    "secrets.externalSecret.enabled": merged(
        FULL, {"secrets": {"existingSecret": "bridge", "externalSecret": {"enabled": False}}}
    ),
    "serviceAccount.name": merged(FULL, {"serviceAccount": {"create": False}}),
    "defaults.autoscaling.triggers": merged(FULL, {"services": {"reflector": {"autoscaling": {"kind": "ScaledObject"}}}}),
}
# What goes along with another value: the two are nothing without each other.
ALONG: dict[str, dict[str, Any]] = {"secrets.externalSecret.enabled": {"secrets": {"existingSecret": ""}}}
# Whose new value is no text of the manifest.
SILENT = {"metrics.rules.disabled": "it takes an alert away", "defaults.antiAffinity": "`none` takes the terms away"}


def place(value: Value) -> str:
    return ".".join(value.path)


def at(values: dict[str, Any], path: Path) -> Any:
    here: Any = values
    for part in path:
        here = here[part]
    return here


def other(path: Path, now: Any) -> Any:
    """A value that is right and is not this one."""
    name = ".".join(path)
    if name in OTHER:
        return OTHER[name]
    known = next((schema.KNOWN[key] for key in (".".join(path[-2:]), path[-1]) if key in schema.KNOWN), {})
    if "enum" in known:
        return next(each for each in reversed(known["enum"]) if each != now)
    match now:
        case bool():
            return not now
        case int():
            return now + 1
        case str():
            return f"{now}x" if now else "other"
        case list():
            return ["other"]
        case _:
            return {**now, "other": "other"}


def changed(value: Value) -> tuple[str, str, Any]:
    """The manifest before and after another value, and that value."""
    base = BASES.get(place(value), FULL)
    new = other(value.path, at(merged(DEFAULTS, base), value.path))
    return rendered(base), rendered(merged(base, nested(value.path, new), ALONG.get(place(value), {}))), new


def texts(value: Any) -> list[str]:
    """The words of which at least one, if it is one that says something, must stand in what was added."""
    match value:
        case bool():
            return []
        case dict():
            return [text for each in value.values() for text in texts(each)]
        case list():
            return [text for each in value for text in texts(each)]
        case _:
            return [str(value)]


@pytest.mark.parametrize("value", LEAVES, ids=place)
def test_another_value_changes_what_is_made(value: Value) -> None:
    before, after, new = changed(value)
    assert before != after
    added = "\n".join((Counter(after.splitlines()) - Counter(before.splitlines())).keys())
    words = texts(new)
    if place(value) not in SILENT and words:
        assert any(word in added for word in words)


def test_each_value_of_all_services_can_be_given_for_one() -> None:
    """All of `defaults` given for the reflector alone: it becomes as if all were given for all, and no other one changes."""
    mine = {path: other(path, at(DEFAULTS, path)) for path in (each.path for each in LEAVES) if path[0] == "defaults"}
    base = merged(FULL, {"defaults": {"autoscaling": {"kind": ""}}})
    single = merged(*(nested(("services", "reflector", *path[1:]), new) for path, new in mine.items()))
    everyone = merged(*(nested(path, new) for path, new in mine.items()))
    before, one, all_ = (manifest(base, each) for each in ({}, single, everyone))
    for kind in ("Deployment", "PodDisruptionBudget", "ScaledObject"):
        assert one.of(kind).get("reflector") == all_.of(kind).get("reflector")
        assert one.of(kind).get("reflector") != before.of(kind).get("reflector")
        for name in ("taskcluster-listener", "buildbot-listener", "web"):
            assert one.of(kind).get(name) == before.of(kind).get(name)


def test_each_value_is_explained() -> None:
    known = {each.path: each.words for each in values()}
    alone = {("image",), ("services",), ("defaults",)}
    silent = [
        ".".join(path)
        for path in known
        if not any(
            known[path[:length]] for length in range(len(path), 0, -1) if path[:length] not in alone or length == len(path)
        )
        and not any(other[: len(path)] == path and len(other) > len(path) for other in known)
    ]
    assert silent == []


def test_the_readme_has_the_values_as_they_are() -> None:
    text = reference.README.read_text()
    assert text == reference.written(text), "run: python -m tests.integration.chart.reference"


def test_the_schema_has_the_values_and_the_settings_as_they_are() -> None:
    assert schema.SCHEMA.read_text() == schema.written(), "run: python -m tests.integration.chart.schema"


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
