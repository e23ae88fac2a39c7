"""Every setting of the bridge can be given as a value of the chart, and arrives: judged by the bridge's own settings."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.chart import rendering
from tests.integration.chart.rendering import FULL, MINIMAL, manifest
from tests.integration.chart.samples import given, loaded, secret, secrets, shape
from tests.integration.chart.values import merged


@pytest.fixture(autouse=True)
def bare() -> Iterator[None]:
    """No variable of ours overrules a file."""
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("BBB_")}
    yield
    os.environ.update(before)


def test_every_setting_arrives(tmp_path: Path) -> None:
    values, expected = given(tmp_path)
    assert len(expected) > 60
    objects = manifest({"services": {"web": {"enabled": False}}}, values)
    arrived = loaded(objects, tmp_path).model_dump(mode="json", exclude_unset=True)
    for name, value in expected.items():
        here = arrived
        for part in name.split("."):
            here = here[part]
        assert here == value, name
    job = loaded(objects, tmp_path, "migrate").model_dump(mode="json", exclude_unset=True)
    assert job == arrived


def test_no_sample_is_the_default(tmp_path: Path) -> None:
    _, expected = given(tmp_path)
    same = [name for name, value in expected.items() if shape(name).get("default", object()) == value]
    assert same == []


def test_large_and_broken_numbers_arrive_as_they_are(tmp_path: Path) -> None:
    _, settings = given(tmp_path), {"pools": {"linux": {"artifacts": {"file_bytes": (1 << 50) - 1, "upload_limit": 0.001}}}}
    quiet = {"secrets": {"mountPath": str(tmp_path)}, "settings": settings}
    artifacts = loaded(manifest(MINIMAL, quiet), tmp_path).pools["linux"].artifacts
    assert (artifacts.file_bytes, artifacts.upload_limit) == ((1 << 50) - 1, 0.001)


def test_what_is_not_given_has_the_bridges_default(tmp_path: Path) -> None:
    given(tmp_path)
    settings = loaded(manifest(MINIMAL, {"secrets": {"mountPath": str(tmp_path)}}), tmp_path)
    said = settings.model_dump(exclude_unset=True)
    assert set(said) == {
        "worker_group",
        "taskcluster",
        "pulse",
        "database",
        "web",
        "status",
        "live_log",
        "buildbots",
        "pools",
    }
    assert (settings.web.host, settings.web.port, settings.status.host) == ("0.0.0.0", 8080, "127.0.0.1")


def test_status_and_live_logs_listen_where_others_reach_them(tmp_path: Path) -> None:
    given(tmp_path)
    (tmp_path / "buildbots.mac.token").write_text("other-token")
    settings = loaded(manifest(FULL, {"secrets": {"mountPath": str(tmp_path)}}), tmp_path)
    assert (settings.status.host, settings.live_log.host) == ("0.0.0.0", "0.0.0.0")
    assert settings.live_log.keys == (secret("live_log.key"),)
    assert settings.buildbots["mac"].bearer() == "other-token"


def test_no_secret_can_be_a_value() -> None:
    for name in secrets():
        here: dict[str, Any] = {}
        whole = here
        *outer, last = name.split(".")
        for part in outer:
            here = here.setdefault(part, {})
        here[last] = "canary"
        with pytest.raises(rendering.RefusedError, match=rf"'{last}' not allowed"):
            manifest(MINIMAL, {"settings": whole})


async def test_the_migration_of_several_regions_at_once_comes_to_the_same_end(tmp_path: Path, empty_dsn: str) -> None:
    """The Job's own command with the Job's own settings, three times at the same moment on a database with nothing in it."""
    from bridge.store import migrate

    given(tmp_path)
    (tmp_path / "database.dsn").write_text(empty_dsn)
    objects = manifest(MINIMAL, {"secrets": {"mountPath": str(tmp_path)}})
    loaded(objects, tmp_path, "migrate")
    (container,) = objects.one("Job", "migrate")["spec"]["template"]["spec"]["containers"]
    command = [sys.executable, "-m", "bridge.cli", *container["args"], "--json"]
    environment = {**os.environ, "BBB_CONFIG": str(tmp_path / "bridge.toml")}
    pipe = asyncio.subprocess.PIPE
    runs = [await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe) for _ in range(3)]
    said = await asyncio.gather(*(run.communicate() for run in runs))
    assert [run.returncode for run in runs] == [0, 0, 0], said
    applied = [name for out, _ in said for name in json.loads(out)["applied"]]
    assert len(applied) == len(set(applied)) > 3
    assert await migrate.pending(empty_dsn) == []


def test_values_are_merged_as_helm_merges_them() -> None:
    two = {"settings": {"log": {"level": "debug"}}}
    assert rendering.rendered(merged(MINIMAL, two)) == rendering.rendered(merged(MINIMAL, {"settings": {"log": None}}, two))
