"""Makes values.schema.json: of the chart's own values from values.yaml, of `settings` from the bridge's own models.

`python -m tests.integration.chart.schema` writes it anew; a test keeps it in step.
"""

import json
import re
from typing import Any

from bridge.settings import Settings
from tests.integration.chart.values import CHART, Path, Value, values
from tests.unit.settings.walk import settings as every_setting

SCHEMA = CHART / "values.schema.json"
Schema = dict[str, Any]

TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
# By the last part of a place, or the whole of it: what a default alone does not tell.
KNOWN: dict[str, Schema] = {
    "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "antiAffinity": {"enum": ["preferred", "required", "none"]},
    "medium": {"enum": ["", "Memory"]},
    "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "region": {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"},
    "autoscaling.kind": {"enum": ["", "HorizontalPodAutoscaler", "ScaledObject"]},
    "store.kind": {"enum": ["SecretStore", "ClusterSecretStore"]},
    "metrics.monitor": {"enum": ["", "PodMonitor", "ServiceMonitor"]},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "service.port": PORT,
    "maxUnavailable": {"type": ["integer", "string"]},
    "pullSecrets": {"type": "array", "items": {"type": "string"}},
    "disabled": {"type": "array", "items": {"type": "string"}},
    "ports": {"type": "array", "items": PORT, "minItems": 1},
    "mountPath": {"type": "string", "pattern": "^/"},
    "extraObjects": {"type": "array", "items": {"type": ["object", "string"]}},
    "env": {"type": "array", "items": {"type": "object", "required": ["name"]}},
    "hostnames": {"type": "array", "items": {"type": "string"}},
}
for _name in ("labels", "annotations", "podLabels", "podAnnotations", "commonLabels", "commonAnnotations", "monitorLabels"):
    KNOWN[_name] = TEXTS
KNOWN["nodeSelector"] = TEXTS
# Kubernetes' own: it knows their keys, which differ between versions.
OPEN = {
    "resources", "strategy", "livenessProbe", "readinessProbe", "startupProbe", "podSecurityContext", "securityContext",
    "affinity", "timeouts",
}  # fmt: skip


def schema() -> Schema:
    """The whole of it."""
    known = {each.path: each for each in values()}
    whole = _object((), known)
    service = whole["properties"]["defaults"]["properties"]
    services = whole["properties"]["services"]["properties"]
    for name, each in services.items():
        services[name] = {"$ref": "#/definitions/service", "description": each["description"]}
    definitions = {"service": _closed({"enabled": {"type": "boolean"}, **service})}
    whole["properties"]["settings"] = _settings(definitions, known["settings",].words)
    whole["properties"]["secrets"]["properties"]["files"] |= _secret_files()
    whole["properties"]["global"] = {"type": "object", "description": "Helm's own, of a chart that holds this one."}
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the Buildbot Bridge's chart"}
    return {**head, **whole, "required": ["settings", "secrets"], "definitions": definitions}


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _object(path: Path, known: dict[Path, Value]) -> Schema:
    own = [each for each in known.values() if each.path[:-1] == path]
    return _closed({each.path[-1]: _described(each, _of(each, known)) for each in own})


def _described(value: Value, schema: Schema) -> Schema:
    return {"description": value.words, **schema} if value.words else schema


def _of(value: Value, known: dict[Path, Value]) -> Schema:
    for name in (".".join(value.path[-2:]), value.path[-1]):
        if name in KNOWN:
            return KNOWN[name]
    match value.default:
        case dict() if value.path[-1] in OPEN:
            return {"type": "object"}
        case dict():
            return _object(value.path, known)
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer", "minimum": 0}
        case list():
            return {"type": "array"}
        case _:
            return {"type": "string"}


def _secret_files() -> Schema:
    """Every secret setting that there is, and no other: a key of the Secret, or null."""
    paths = [".".join(path) for path, field in every_setting() if f"{path[-1]}_file" in _beside(path)]
    pattern = "|".join(re.escape(path).replace(r"\*", "[a-z0-9_-]+") for path in sorted(paths))
    return {
        "additionalProperties": False,
        "properties": {},
        "patternProperties": {f"^({pattern})$": {"type": ["string", "null"], "minLength": 1}},
    }


def _beside(path: Path) -> set[str]:
    return {other[-1] for other, _ in every_setting() if other[:-1] == path[:-1]}


def _settings(definitions: Schema, words: str) -> Schema:
    given = Settings.model_json_schema()
    for name, section in given["$defs"].items():
        definitions[name] = _plain(section)
    whole = _plain({key: value for key, value in given.items() if key != "$defs"})
    # What the chart writes by itself need not be given; what it reads must be there.
    whole["required"] = sorted({*whole["required"], "web", "status", "live_log"} - {"pulse", "database"})
    return {**whole, "description": words}


def _plain(schema: Any) -> Any:
    """Without secrets, which have no place in a ConfigMap, and without what only adds length."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: {name: _plain(each) for name, each in value.items() if not _secret(each)}
        if key == "properties"
        else _plain(value)
        for key, value in schema.items()
        if key not in {"title", "default", "examples", "format"}
    }
    if found.get("maximum") == 65535:
        found["minimum"] = 1  # 0 is any free port: nobody would find it in a pod
    if "$ref" in found:
        found["$ref"] = found["$ref"].replace("#/$defs/", "#/definitions/")
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
    return found


def _secret(schema: Schema) -> bool:
    return any(each.get("writeOnly") for each in [schema, *schema.get("anyOf", ())])


def written() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(written())
