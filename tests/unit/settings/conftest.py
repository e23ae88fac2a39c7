import os
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path

import pytest

MINIMAL = """
worker_group = "buildbot"
[taskcluster]
root_url = "https://tc.example.org"
client_id = "project/bridge"
access_token = "canary-access"
[pulse]
url = "amqps://bridge:canary-p%40ss@pulse.example.org/%2F"
[database]
dsn = "postgresql://bridge:canary-db@db.example.org/bridge"
[buildbots.main]
url = "https://buildbot.example.org"
token = "canary-bearer"
[pools.linux]
task_queue = "proj-example/linux"
buildbot = "main"
builders = ["linux64-*"]
"""
CANARIES = ("canary-access", "canary-p", "canary-db", "canary-bearer")


@pytest.fixture(autouse=True)
def environment() -> Iterator[MutableMapping[str, str]]:
    """The process's variables without any of ours; what a test sets is gone after it."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("BBB_")]:
        del os.environ[name]
    yield os.environ
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a settings file: the minimal one, with replacements (old, new) and lines added."""

    def write(*replacements: tuple[str, str], add: str = "") -> Path:
        text = MINIMAL
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "bridge.toml"
        path.write_text(text + add)
        return path

    return write
