"""The image as it is built from this tree: what it is, what it holds and what it does not."""

import json
import re
from typing import Any

import pytest

from tests.release import engine
from tests.release.image import VERSION

pytestmark = pytest.mark.timeout(900)  # the first test waits for the build: a Debian and all packages, over the network
LARGEST = 200_000_000
"""Bytes, unpacked."""
LICENCES = """
import importlib.metadata as m, json, re
texts = {d.name: [len(d.read_text(f.relative_to(f.parts[0])) or "") for f in d.files if ".dist-info/" in str(f)
    and re.search("licen[cs]e|copying", f.name, re.I)] for d in m.distributions()}
print(json.dumps(texts))
"""
TRACES = """
import json, os, re
found = []
for top, _, names in os.walk("/"):
    if top.startswith(("/proc", "/sys", "/dev")):
        continue
    for name in names:
        path = os.path.join(top, name)
        if re.search(r"(pip\\.conf|\\.netrc|auth\\.conf|id_[a-z0-9]+|\\.pem)$", name) or "/run/secrets" in path:
            found.append(path)
print(json.dumps(found))
"""
STATUS = """
import json, os
said = dict(line.split(":", 1) for line in open("/proc/self/status"))
def refused(path):
    try:
        open(path, "w").close()
    except OSError:
        return True
    return False
print(json.dumps({"uid": said["Uid"].split(), "gid": said["Gid"].split(), "groups": said["Groups"].split(), "capabilities":
    [said[n].strip() for n in ("CapPrm", "CapEff", "CapBnd", "CapAmb")], "alone": said["NoNewPrivs"].strip(), "refused":
    [refused(path) for path in ("/x", "/app/x", "/etc/x", "/run/x", "/var/tmp/x")], "tmp": not refused("/tmp/x")}))
"""


@pytest.fixture(scope="module")
def inspected(image: str) -> dict[str, Any]:
    return json.loads(engine.podman("inspect", "--type=image", image))[0]


def test_it_is_small(inspected: dict[str, Any]) -> None:
    assert 0 < inspected["Size"] < LARGEST


def test_its_entry_point_is_the_command_for_an_account_of_its_own(inspected: dict[str, Any]) -> None:
    config = inspected["Config"]
    assert (config["Entrypoint"], config["Cmd"], config["User"]) == (["bbb"], ["--help"], "10001:10001")
    assert set(config["ExposedPorts"]) == {"8080/tcp", "8085/tcp", "8090/tcp"}
    assert config["StopSignal"] == "SIGTERM"
    assert inspected["Healthcheck"]["Test"] == ["CMD", "bbb", "health"]
    assert "BBB_CONFIG=/etc/bridge/bridge.toml" in config["Env"]


def test_its_labels_say_what_it_is(inspected: dict[str, Any]) -> None:
    labels = {name.rpartition(".")[2]: said for name, said in inspected["Config"]["Labels"].items()}
    assert labels["title"] == "buildbot-bridge"
    assert (labels["version"], labels["licenses"]) == (VERSION, "MPL-2.0")
    assert {"description", "revision", "created", "source"} <= labels.keys()


def test_the_command_is_that_of_this_version(image: str) -> None:
    assert engine.say(image, "--version") == f"bbb {VERSION}\n"
    assert "taskcluster-listener" in engine.say(image)
    said = json.loads(engine.python(image, "import json; from bridge.web import health; print(json.dumps(health.who()))"))
    assert said["version"] == VERSION


def test_it_has_what_traces_need(image: str) -> None:
    """Services refuse to start with `traces.url` otherwise, and nobody can add a package to an image."""
    assert engine.python(image, "import bridge.traces.tracer; print('there')") == "there\n"


def test_it_runs_without_rights_and_writes_to_nothing_but_tmp(image: str) -> None:
    said = json.loads(engine.python(image, STATUS))
    assert said["uid"] == said["gid"] == ["10001"] * 4
    assert set(said["groups"]) <= {"10001"}
    assert said["capabilities"] == ["0" * 16] * 4
    assert said["alone"] == "1"
    assert said["refused"] == [True] * 5
    assert said["tmp"]


def test_every_package_in_it_brings_its_licence(image: str) -> None:
    texts = json.loads(engine.python(image, LICENCES))
    assert {"buildbot-bridge", "aiohttp", "asyncpg"} <= texts.keys()
    assert {name for name, lengths in texts.items() if not any(length > 300 for length in lengths)} == set()


def test_nothing_of_the_machine_that_built_it_is_in_it(image: str, inspected: dict[str, Any]) -> None:
    found = [path for path in json.loads(engine.python(image, TRACES)) if not re.search(r"/cacert\.pem$|/ssl/cert", path)]
    assert found == []
    said = json.dumps([inspected["Config"], inspected["History"]])
    assert "cert =" not in said
    assert not re.search(r"(index-url|://[^\"]*@|/home/|/root/)", said)


def test_no_tool_that_installs_packages_is_in_its_environment(image: str) -> None:
    names = json.loads(
        engine.python(image, "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))")
    )
    assert {"pip", "setuptools", "hatchling", "uv"} & set(names) == set()


def test_what_listens_nowhere_is_not_well(image: str) -> None:
    """HEALTHCHECK's own command, in a container where no service runs."""
    variables = (
        "BBB_CONFIG=", "BBB_WORKER_GROUP=g", "BBB_TASKCLUSTER__ROOT_URL=https://tc.example.org", "BBB_TASKCLUSTER__CLIENT_ID=c",
        "BBB_TASKCLUSTER__ACCESS_TOKEN=t", "BBB_PULSE__ENABLED=false", "BBB_DATABASE__DSN=postgresql://b@127.0.0.1/b",
        'BBB_BUILDBOTS={"main": {"url": "https://b.example.org", "token": "0123456789abcdef"}}',
        'BBB_POOLS={"p": {"task_queue": "p/q", "buildbot": "main", "builders": ["*"]}}',
    )  # fmt: skip
    code = "import subprocess; d = subprocess.run(['bbb', 'health'], capture_output=True, text=True); print(d.returncode, d.stdout)"
    assert engine.python(image, code, *(f"--env={each}" for each in variables)).startswith(
        "1 nothing answers on 127.0.0.1:8080"
    )
