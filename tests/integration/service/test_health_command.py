"""`bbb health`, which supervisors of containers run instead of asking an address."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.cli import probing
from bridge.cli.complaint import Complaint
from bridge.settings import load
from tests.integration.service.test_bbb import Command, settings
from tests.sandbox.process import free_port
from tests.sandbox.stack import toml

UNREADY = {"ready": False, "reasons": {"reflector": ["database: no answer for 61 s"], "web": []}}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def bbb(tmp_path: Path, port: int) -> Command:
    """Its services listen everywhere, the web service on another port than the rest."""
    path = tmp_path / "bridge.toml"
    web_settings = {"host": "0.0.0.0", "port": port, "ports": {"web": free_port()}}
    path.write_text(toml({**settings("postgresql://bridge@127.0.0.1:9/none"), "web": web_settings}))
    return Command(path)


@pytest.fixture
async def page(port: int) -> AsyncIterator[dict[str, Any]]:
    """What a service on this machine answers; ready at first."""
    answers = {"body": json.dumps({"ready": True, "reasons": {"reflector": []}})}

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text=answers["body"])

    app = web.Application()
    app.add_routes([web.get("/readyz", ready)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield answers
    await runner.cleanup()


async def test_a_service_that_is_ready(bbb: Command, page: dict[str, Any]) -> None:
    first, second = await bbb("health"), await bbb("health", "reflector", "--json")
    assert (first.status, first.out) == (0, "ready\n")
    assert (second.status, second.json) == (0, {"well": True, "words": ["ready"]})


async def test_one_that_is_not_says_why(bbb: Command, page: dict[str, Any]) -> None:
    page["body"] = json.dumps(UNREADY)
    said = await bbb("health")
    assert (said.status, said.out) == (1, "reflector: database: no answer for 61 s\n")


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"ready": true, "reasons": 1}', '{"ready": "yes", "reasons": {}}'])
async def test_whatever_else_answers_there_is_not_taken_for_health(bbb: Command, page: dict[str, Any], body: str) -> None:
    page["body"] = body
    assert not (await asyncio.to_thread(probing.asked, load(bbb.config), None)).well


async def test_nobody_there_is_no_health(bbb: Command) -> None:
    said = await asyncio.to_thread(probing.asked, load(bbb.config), "web")
    assert not said.well
    assert "nothing answers on 127.0.0.1:" in said.words[0]


async def test_what_cannot_be_asked_is_a_complaint(bbb: Command, tmp_path: Path) -> None:
    unknown = await bbb("health", "reflectr")
    assert unknown.status == 2
    assert unknown.err.startswith("bbb: there is no service reflectr. There are: taskcluster-listener")
    path = tmp_path / "any.toml"
    path.write_text(toml(settings("postgresql://bridge@127.0.0.1:9/none")))
    with pytest.raises(Complaint, match=r"web\.ports"):
        probing.asked(load(path), None)
