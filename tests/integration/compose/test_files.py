"""The compose files are right by the specification, name only what there is, and run the bridge as the chart does."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bridge.cli.serving import MODULES
from bridge.doctor.scopes import needed
from bridge.settings import Settings, load
from bridge.settings.shown import advice
from tests.integration.compose.composed import BRIDGE, DEMO, DOCKER, FILES, OWN, VARIABLE, command, mounts, read, services
from tests.sandbox.environment import ROOT

SPECIFICATION = json.loads((resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
DOCKERFILE = DOCKER / "demo.Dockerfile"
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
both = pytest.mark.parametrize("path", (DEMO, OWN), ids=lambda path: path.name)


@every_file
def test_it_is_right_by_the_specification(path: Path) -> None:
    jsonschema.validate(read(path), SPECIFICATION)


def test_what_is_not_in_the_specification_would_be_found() -> None:
    wrong = read(DEMO)
    wrong["services"]["web"]["comand"] = ["web"]
    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.validate(wrong, SPECIFICATION)


@both
def test_everything_that_is_named_is_there(path: Path) -> None:
    whole = read(path)
    for name, service in services(path).items():
        for other, wish in _waits(service).items():
            assert other in whole["services"], name
            if wish == "service_healthy":
                assert "healthcheck" in services(path)[other], other
        for source, _ in mounts(service).values():
            if source.startswith("."):
                assert (path.parent / source).is_file(), source
            elif not source.startswith("$"):
                assert source in whole["volumes"], source
        if "build" in service:
            assert (path.parent / service["build"]["context"]).resolve() == ROOT
        extended = whole["services"][name].get("extends")
        assert extended is None or (path.parent / extended["file"]).is_file()


def _waits(service: dict[str, Any]) -> dict[str, str]:
    waits = service.get("depends_on", {})
    return (
        dict.fromkeys(waits, "service_started") if isinstance(waits, list) else {k: v["condition"] for k, v in waits.items()}
    )


def test_what_the_demos_images_are_made_of_is_there() -> None:
    text = DOCKERFILE.read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE))
    targets = {service["build"]["target"] for service in services(DEMO).values() if "target" in service.get("build", {})}
    assert targets == stages
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert len(copied) > 5
    for names in copied:
        assert all((ROOT / name).exists() for name in names.split()), names
    named = {service["build"]["dockerfile"] for service in services(DEMO).values() if "build" in service}
    assert named == {"docker/demo.Dockerfile", "docker/Dockerfile"}


@every_file
def test_every_variable_has_a_default_or_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    for found in VARIABLE.finditer(text):
        assert found["rest"], found[0]
        assert found["kind"] == "-" or f"# {found['name']}" in text or f"{found['name']}=" in text
    assert re.sub(VARIABLE, "", text).replace("$$", "").count("$") == 0


@both
def test_the_services_are_those_of_the_chart_and_so_are_their_rights(path: Path) -> None:
    values = yaml.safe_load((ROOT / "helm" / "values.yaml").read_text())
    assert set(values["services"]) | {"migrate"} == BRIDGE == set(MODULES) | {"migrate"}
    context, own = values["podSecurityContext"], values["securityContext"]
    for name in BRIDGE:
        service = services(path)[name]
        assert command(service) == [name]
        assert service["user"] == f"{context['runAsUser']}:{context['runAsGroup']}"
        assert service["read_only"] is own["readOnlyRootFilesystem"]
        assert service["cap_drop"] == own["capabilities"]["drop"]
        assert service["security_opt"] == [f"no-new-privileges:{str(not own['allowPrivilegeEscalation']).lower()}"]
        assert [each.partition(":")[0] for each in service["tmpfs"]] == ["/tmp"]
        assert service["stop_grace_period"] == f"{values['defaults']['terminationGracePeriodSeconds']}s"
        assert service["environment"] == {"BBB_CONFIG": "/etc/bridge/bridge.toml", "TMPDIR": "/tmp"}
        assert all(read_only for _, read_only in mounts(service).values())
        assert service["environment"]["BBB_CONFIG"] in mounts(service)


def test_both_files_run_the_same_services() -> None:
    differ = {"build", "volumes", "depends_on"}
    for name in BRIDGE:
        one, other = ({k: v for k, v in services(path)[name].items() if k not in differ} for path in (DEMO, OWN))
        assert one == other, name


@both
def test_nothing_is_open_beyond_this_machine(path: Path) -> None:
    ports = [port for service in services(path).values() for port in service.get("ports", ())]
    assert len(ports) >= 2
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    assert not any(service.get("network_mode") == "host" or service.get("privileged") for service in services(path).values())


@both
def test_ports_are_those_that_the_settings_open(path: Path) -> None:
    known = Settings.model_fields
    text = tomllib.loads((DOCKER / "demo" / "bridge.toml").read_text())
    for name, section in {"web": "status", "buildbot-listener": "live_log"}.items():
        port = known[section].default.port
        assert text[section]["port"] == port
        assert services(path)[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.fixture
def demo_settings(tmp_path: Path) -> Settings:
    """The demo's settings as its services read them, with secrets as they are made there."""
    _made(tmp_path / "keys")
    text = (DOCKER / "demo" / "bridge.toml").read_text().replace("/run/keys", str(tmp_path / "keys"))
    (tmp_path / "bridge.toml").write_text(text)
    return load(tmp_path / "bridge.toml")


def _made(place: Path) -> dict[str, str]:
    place.mkdir(exist_ok=True)
    subprocess.run([sys.executable, DOCKER / "demo" / "keys.py", place], check=True, timeout=60)
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}


def test_the_demos_settings_can_be_used(demo_settings: Settings) -> None:
    assert [text for text in advice(demo_settings) if "in the clear" not in text and "web.host" not in text] == []
    assert {demo_settings.web.host, demo_settings.status.host, demo_settings.live_log.host} == {"0.0.0.0"}
    host = demo_settings.buildbots["demo"].url.split("/")[2].split(":")[0]
    assert {host, demo_settings.taskcluster.root_url.split("/")[2].split(":")[0]} <= set(services(DEMO))


def test_the_demos_client_may_do_what_bbb_scopes_says_and_no_more(demo_settings: Settings) -> None:
    from bridge.doctor.scopes import beyond

    known = runpy.run_path(str(DOCKER / "demo" / "keys.py"))
    needs = needed(demo_settings)
    assert sorted(known["BRIDGE"]) == sorted(need.scope for need in needs)
    assert beyond(known["BRIDGE"], needs, []) == []


def test_secrets_are_new_each_time_and_then_stay(tmp_path: Path) -> None:
    first, second = _made(tmp_path / "one"), _made(tmp_path / "two")
    assert set(first) == set(second)
    assert [name for name in first if first[name] == second[name]] == ["finished"]
    assert _made(tmp_path / "one") == first


def test_secrets_can_be_read_by_those_they_are_for(tmp_path: Path) -> None:
    for name in _made(tmp_path):
        if name == "finished":
            continue
        mode = (tmp_path / name).stat().st_mode & 0o777
        assert mode == (0o444 if name.startswith("open/") else 0o400), name
    mounted = json.dumps(read(DEMO)) + "".join(
        (DOCKER / "demo" / each).read_text() for each in ("bridge.toml", "master.cfg", "worker.tac")
    )
    for name in _made(tmp_path):
        folder, _, file = name.partition("/")
        assert name == "finished" or f"/run/keys/{name}" in mounted or file.split("/")[0] in mounted, name
        assert f"/run/keys/{folder}" in mounted or name == "finished"


def test_the_example_settings_find_their_secrets_where_the_second_file_puts_them() -> None:
    text = (DOCKER / "bridge.example.toml").read_text()
    named = re.findall(r'^(?:# )?\w+_file = "(.+)"$', text, re.MULTILINE)
    assert len(named) > 5
    for service in services(OWN).values():
        assert all(str(Path(name).parent) in mounts(service) for name in named)
