"""A right value for every setting of the bridge, none of them the default, and how they look as values of the chart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.settings import Settings, load
from bridge.settings.words import is_secret
from tests.integration.chart.rendering import Manifest
from tests.unit.settings.walk import settings as every_setting

CHOSEN = {"buildbots": "main", "pools": "linux"}
LENGTH = 32
"""Characters that each secret has at least."""
ADDRESSES = {
    "pulse.url": "amqps://bridge:p@pulse.example.org/%2F",
    "database.dsn": "postgresql://bridge:p@db.example.org/bridge",
}
# What a type alone does not tell: where a text must have a form, or fit another setting.
SAMPLES: dict[str, Any] = {
    "buildbots.main.url": "https://bb.example.net:8010",
    "status.proxy_addresses": ["10.1.0.0/16", "fd00::/8"],
    "status.proxy_header": "X-Someone",
    "pools.linux.task_queue": "proj-other/linux",
    "pools.linux.buildbot": "main",
    "pools.linux.builders_results": {"docs": {"failure": "intermittent-task"}},
    "pools.linux.artifacts.redact_text": [
        'a"b\\\\c',
        "tab\there",
        "'''",
        "[A-Z]{3}#",
        "ünï ☃",
        "del\x7f",
        "<&>",
        "{{ x }}",
        "\u2028",
    ],
    "web.host": "::1",
    "status.host": "::1",
    "live_log.host": "::1",
    "web.ports": {"reflector": 9001, "web": 9002},
}
Shape = dict[str, Any]
WHOLE: Shape = Settings.model_json_schema()


def place(path: tuple[str, ...]) -> str:
    return ".".join(CHOSEN[path[0]] if part == "*" else part for part in path)


def shape(path: str) -> Shape:
    """What the models' JSON schema says of a setting."""
    whole = WHOLE
    here: Shape = whole
    for part in path.split("."):
        here = here["properties"][part] if part in here.get("properties", {}) else here["additionalProperties"]
        here = whole["$defs"][here["$ref"].rsplit("/", 1)[1]] if "$ref" in here else here
    return next((each for each in here.get("anyOf", ()) if each.get("type") != "null"), here) | {
        key: here[key] for key in ("default", "examples") if key in here
    }


def sample(path: str) -> Any:
    """A right value that is not the default."""
    if path in SAMPLES:
        return SAMPLES[path]
    known = shape(path)
    default: Any = known.get("default")
    match known:
        case {"enum": choices}:
            return next(each for each in choices if each != default)
        case {"anyOf": [{"enum": choices}, *_]}:
            return next(each for each in choices if each != default)
        case {"type": "boolean"}:
            return not default
        case {"type": "integer" | "number"}:
            return default + 1 if default + 1 <= known.get("maximum", default + 1) else default - 1
        case {"type": "array"}:
            return [*known.get("examples", [["some-*"]])[0], "more"]
        case _:
            text = str(known.get("examples", [default])[0])
            return f"{text}/2" if "://" in text else f"{text}-2"


def secrets() -> Iterator[str]:
    yield from (place(path) for path, field in every_setting() if is_secret(field))


def secret(name: str) -> str:
    """A right value, of no two settings the same."""
    return ADDRESSES.get(name, name.ljust(LENGTH, "-"))


def given(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values with every setting, none as its default, and what must arrive of each."""
    expected: dict[str, Any] = {}
    values: dict[str, Any] = {"settings": {}, "secrets": {"existingSecret": "bridge", "mountPath": str(path), "files": {}}}
    for name in secrets():
        (path / name).write_text(secret(name))
        values["secrets"]["files"][name] = name
    for at, field in every_setting():
        name = place(at)
        if is_secret(field):
            continue
        if name.removesuffix("_file") in values["secrets"]["files"]:
            expected[name] = str(path / name.removesuffix("_file"))
            continue
        expected[name] = sample(name)
        here = values["settings"]
        *outer, last = name.split(".")
        for part in outer:
            here = here.setdefault(part, {})
        here[last] = expected[name]
    return values, expected


def loaded(objects: Manifest, path: Path, name: str = "") -> Settings:
    """The settings as the bridge reads them from the rendered ConfigMap."""
    (path / "bridge.toml").write_text(objects.one("ConfigMap", name)["data"]["bridge.toml"])
    return load(path / "bridge.toml")
