"""Where settings come from, and what is said when they are wrong."""

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path

import pytest

from bridge.settings import SettingsError, load
from tests.unit.settings.conftest import CANARIES, MINIMAL

Written = Callable[..., Path]


def complaints(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert not any(canary in str(caught.value) for canary in CANARIES)
    return str(caught.value)


def test_the_file_is_read_and_the_rest_has_defaults(written: Written) -> None:
    settings = load(written())
    assert settings.worker_group == "buildbot"
    assert settings.own_worker_id == "buildbot-bridge"
    assert settings.pools["linux"].builders == ("linux64-*",)
    assert settings.pulse.queue == "queue/bridge/buildbot-bridge"
    assert settings.taskcluster.token() == "canary-access"
    assert settings.web.port_of("reflector") == 8080


def test_the_environment_wins_over_the_file(written: Written, environment: MutableMapping[str, str]) -> None:
    environment["BBB_WEB__PORT"] = "0"
    environment["BBB_POOLS__LINUX__BUILDERS"] = '["docs"]'
    environment["BBB_WORKER_GROUP"] = "other"
    settings = load(written())
    assert settings.web.port == 0
    assert settings.pools["linux"].builders == ("docs",)
    assert settings.pools["linux"].task_queue == "proj-example/linux"
    assert settings.worker_group == "other"


def test_the_variable_names_the_file(written: Written, environment: MutableMapping[str, str]) -> None:
    environment["BBB_CONFIG"] = str(written())
    assert load().worker_group == "buildbot"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    assert "no such file" in complaints(tmp_path / "none.toml")


def test_a_file_that_is_no_toml_is_named_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[taskcluster]\naccess_token = "canary-access\n')
    assert "not TOML" in complaints(path)


def test_without_any_file_the_environment_alone_may_do(environment: MutableMapping[str, str]) -> None:
    for name, value in {
        "WORKER_GROUP": "buildbot",
        "TASKCLUSTER__ROOT_URL": "https://tc.example.org",
        "TASKCLUSTER__CLIENT_ID": "c",
        "TASKCLUSTER__ACCESS_TOKEN": "t",
        "PULSE__ENABLED": "false",
        "DATABASE__DSN": "postgresql:///bridge",
        "BUILDBOTS__MAIN__URL": "http://localhost:8010",
        "BUILDBOTS__MAIN__TOKEN": "t",
        "POOLS__LINUX__TASK_QUEUE": "proj/linux",
        "POOLS__LINUX__BUILDBOT": "main",
    }.items():
        environment[f"BBB_{name}"] = value
    assert load().pools["linux"].buildbot == "main"


def test_nothing_at_all_says_where_settings_are_looked_for() -> None:
    with pytest.raises(SettingsError, match="--config or BBB_CONFIG"):
        load()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('worker_group = "buildbot"', 'worker_group = "build.bot"', "worker_group = 'build.bot': must be 1 to 38 letters"),
        ('worker_group = "buildbot"', "", "worker_group is missing. Example: worker_group = "),
        ('worker_group = "buildbot"', 'worker_grup = "buildbot"', "Did you mean worker_group?"),
        ("builders =", "bilders =", "pools.linux.bilders is not a setting. Did you mean builders?"),
        ("root_url", "zzz", "Known here: root_url, client_id"),
        ('"https://tc.example.org"', '"tc.example.org"', "taskcluster.root_url = 'tc.example.org': must be an address"),
        ('"https://tc.example.org"', '"https://a:canary-access@b"', "without name, password"),
        ('client_id = "project/bridge"', "", 'Example: [taskcluster] client_id = "project/example/buildbot-bridge"'),
        ('access_token = "canary-access"', "", "taskcluster.access_token: give either the setting itself or its _file"),
        ("access_token =", 'access_token_file = "/none"\naccess_token =', "not both"),
        ("access_token =", 'certificate_file = "/none"\naccess_token =', "taskcluster.certificate: /none cannot be read"),
        ("amqps:", "https:", "pulse.url: must have the form amqps://"),
        ("bridge:canary-p%40ss@", "", "pulse.url: must have the form amqps://"),
        ('dsn = "postgresql:', 'dsn = "mysql:', "database.dsn: must have the form postgresql://"),
        ('token = "canary-bearer"', 'token = ""', "buildbots.main.token: is empty"),
        ('token = "canary-bearer"', 'token = ["canary-bearer"]', "buildbots.main.token: input should be a valid string"),
        ("[buildbots.main]", '[buildbots."Main"]', "buildbots.Main"),
        ('buildbot = "main"', 'buildbot = "mian"', "there is no [buildbots.mian]; there are: main"),
        ("proj-example/linux", "proj-example/Linux", "the workerType has small letters"),
        ("proj-example/linux", "proj-example/linux-", "the workerType has small letters"),
        ("proj-example/linux", "proj-example", "must be provisionerId/workerType"),
        ('["linux64-*"]', '"linux64-*"', "pools.linux.builders = 'linux64-*': input should be a list"),
    ],
)
def test_a_wrong_setting_is_named_with_reason_and_example(written: Written, old: str, new: str, said: str) -> None:
    assert said in complaints(written((old, new)))


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("[web]\nport = 70000", "web.port = 70000: input should be less than or equal to 65535"),
        ("[web.ports]\nreflektor = 1", "web.ports.reflektor"),
        ('[pools.linux.results]\nsuccess = "canceled"', "pools.linux.results.success = 'canceled'"),
        ("[reflector]\ninterval = 0", "reflector.interval = 0"),
        ("[reflector]\ninterval = nan", "reflector.interval"),
        ("[sweeper]", "sweeper is not a setting"),
        ('[pools.b]\ntask_queue = "proj-example/linux"\nbuildbot = "main"', "pool linux serves proj-example/linux already"),
    ],
)
def test_a_wrong_addition_is_named(written: Written, added: str, said: str) -> None:
    assert said in complaints(written(add=added))


def test_all_problems_are_told_at_once(written: Written) -> None:
    said = complaints(written(("buildbot.example.org", ""), ("tc.example.org", ""), ("proj-example/linux", "x")))
    assert [line.split(":")[0].split(" ")[1] for line in said.splitlines()[1:]] == [
        "taskcluster.root_url",
        "buildbots.main.url",
        "pools.linux.task_queue",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("BBB_WORKERGROUP", "Did you mean BBB_WORKER_GROUP?"),
        ("BBB_WEB_PORTS", "Did you mean BBB_WEB__PORTS?"),
        ("BBB_WEB__PROT", "web.prot is not a setting. Did you mean port?"),
        ("BBB_PULSE__ENABLED", "pulse.enabled = 'x'"),
        ("BBB_POOLS", "JSON"),
    ],
)
def test_a_wrong_variable_is_named(written: Written, environment: MutableMapping[str, str], name: str, said: str) -> None:
    environment[name] = "x"
    assert said in complaints(written())


def test_variables_that_kubernetes_sets_for_services_of_that_name_are_not_ours(
    written: Written, environment: MutableMapping[str, str]
) -> None:
    for name in ("BBB_WEB_SERVICE_HOST", "BBB_WEB_PORT", "BBB_SERVICE_PORT_HTTP", "BBB_PORT_80_TCP_ADDR"):
        environment[name] = "tcp://10.0.0.1:80"
    assert load(written()).web.port == 8080


def test_the_environment_is_not_kept(written: Written) -> None:
    assert not [name for name in os.environ if name.startswith("BBB_")]
    assert load(written()).log.format == "auto"
    assert MINIMAL.count("canary") == 4


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('token_file = "/nowhere/token"', "/nowhere/token cannot be read: No such file or directory"),
        ('token = ""', "is empty"),
        ('token = "a"\ntoken_file = "/nowhere/token"', "not both"),
    ],
)
def test_the_token_of_traces_is_looked_at_when_the_settings_are_read(written: Written, added: str, said: str) -> None:
    complaint = complaints(written(add=f"[traces]\n{added}\n"))
    assert "traces" in complaint
    assert said in complaint
