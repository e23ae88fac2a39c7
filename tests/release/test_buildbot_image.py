"""The example of a Buildbot master with the plugin."""

import os
from pathlib import Path

import pytest

from tests.release import engine, image

pytestmark = pytest.mark.timeout(900)  # waits for the build
ACCOUNT = 10001


@pytest.fixture(scope="module")
def master() -> str:
    return image.buildbot()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """As the example wants them: the master's alone."""
    place = tmp_path / "secrets"
    place.mkdir(mode=0o700)
    for name in ("bridge-token", "worker-password"):
        (place / name).touch(mode=0o600)
        (place / name).write_text("0123456789abcdef")
        os.chown(place / name, ACCOUNT, ACCOUNT)
    os.chown(place, ACCOUNT, ACCOUNT)
    return place


def test_its_example_settings_are_good(master: str, secrets: Path) -> None:
    """With the plugin in force: Buildbot refuses settings that name a plugin which it does not find."""
    options = [f"--volume={secrets}:/etc/buildbot/secrets:ro"]
    assert "Config file is good!" in engine.say(master, "checkconfig", "/etc/buildbot/master.cfg", options=options)


def test_it_makes_its_database_and_starts(master: str, secrets: Path) -> None:
    """As its head says, in a volume of its own; the plugin answers, to whoever has its token alone."""
    code = """
import subprocess, time, urllib.error, urllib.request
subprocess.run(["buildbot", "upgrade-master", "-q", "."], check=True)
master = subprocess.Popen(["buildbot", "start", "--nodaemon", "."], stdout=subprocess.DEVNULL)
for _ in range(600):
    try:
        urllib.request.urlopen("http://127.0.0.1:8010/plugins/taskcluster/v1/version")
    except urllib.error.HTTPError as error:
        print("answered", error.code)
        break
    except OSError:
        time.sleep(0.1)
master.terminate()
print("ended", master.wait(30))
"""
    options = [f"--volume={secrets}:/etc/buildbot/secrets:ro", "--entrypoint=/opt/buildbot/bin/python"]
    said = engine.say(master, "-c", code, options=options)
    # Twisted ends in order; whether it then repeats the signal to itself was seen to differ between machines.
    assert said in {"answered 401\nended -15\n", "answered 401\nended 0\n"}


def test_it_holds_the_plugin_and_none_of_the_services_packages(master: str) -> None:
    code = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    names = engine.say(master, "-c", code, options=["--entrypoint=/opt/buildbot/bin/python"]).split()
    assert {"buildbot-bridge", "buildbot", "buildbot-worker"} <= set(names)
    assert {"asyncpg", "aio-pika", "pydantic"} & set(names) == set()
