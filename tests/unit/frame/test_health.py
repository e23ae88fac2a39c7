"""What a process answers about itself."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.metrics import Metrics
from bridge.service import Frame, Heartbeat
from bridge.web import health
from bridge.web.health import Health


@pytest.fixture
def frames() -> list[Frame]:
    metrics = Metrics("all", "1")
    return [Frame("reflector", metrics), Frame("buildbot-listener", metrics)]


@pytest.fixture
async def address(frames: list[Frame], tmp_path: Path) -> AsyncIterator[str]:
    pages = Health(frames, frames[0].metrics, tmp_path / "version.json")
    async with health.served(pages, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def refuses() -> None:
    raise ConnectionRefusedError("nobody there")


async def answers() -> None: ...


async def test_one_service_that_is_not_ready_makes_the_process_not_ready(frames: list[Frame], address: str) -> None:
    frames[0].hearts["due"] = Heartbeat("due", 10)
    status, said = await get(f"{address}/readyz")
    assert (status, said) == (503, {"ready": False, "reasons": {"reflector": [], "buildbot-listener": ["it is starting"]}})
    frames[1].hearts["watch"] = Heartbeat("watch", 10)
    assert (await get(f"{address}/readyz"))[0] == 200


async def test_a_dependency_that_does_not_answer_is_named(frames: list[Frame], address: str) -> None:
    frames[0].depends("database", answers)
    frames[1].depends("buildbot main", refuses)
    status, said = await get(f"{address}/__heartbeat__")
    assert status == 503
    assert said["checks"] == {
        "reflector": {"database": "ok"},
        "buildbot-listener": {"buildbot main": "ConnectionRefusedError: nobody there"},
    }
    assert (await get(f"{address}/healthz"))[0] == 200
    assert (await get(f"{address}/__lbheartbeat__"))[0] == 200


async def test_the_image_says_what_it_was_built_from(tmp_path: Path, address: str) -> None:
    assert (await get(f"{address}/__version__"))[1] == {
        "source": "",
        "version": health.release(),
        "commit": "",
        "build": "",
    } | health.who(tmp_path / "none")
    said = {"source": "https://example.org/bridge", "version": "1.2.3", "commit": "abc", "build": "https://ci/1"}
    (tmp_path / "version.json").write_text(json.dumps(said | {"more": 1}))
    assert (await get(f"{address}/__version__"))[1] == said


async def test_a_broken_version_file_is_no_error(tmp_path: Path, address: str) -> None:
    for text in ("{", "[]", '"x"'):
        (tmp_path / "version.json").write_text(text)
        assert (await get(f"{address}/__version__"))[1]["version"] == health.release()


async def test_metrics_are_in_the_form_that_prometheus_reads(address: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert 'buildbot_bridge_info{service="all",version="1"} 1.0' in await answer.text()
