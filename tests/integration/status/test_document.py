"""Schemathesis asks whatever the document allows, and what it does not: every answer is one that the document names."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.store.runs import Runs
from tests.integration.status.serving import Served, serving
from tests.integration.status.test_api import everything
from tests.integration.store.rows import TASK, wanted

WRITE = "the-token-of-operators-so-long-it-is"
# Taskcluster is away here, so an act that needs it is answered so.
CONFIGURATION = """
[[operations]]
include-name = "POST /acts/cancel"
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
"""
EXAMPLES = os.environ.get("BRIDGE_SCHEMATHESIS_EXAMPLES", "6")


@pytest.fixture
async def api(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(postgres_dsn, tmp_path, write_token=WRITE) as served:
        yield served


async def test_the_api_keeps_to_its_document(store: Runs, api: Served, tmp_path: Path) -> None:
    """The stream does not end, so it has tests of its own. Acts are asked for by somebody who may, too."""
    await everything(store)
    await store.insert([replace(wanted(number, "C" * 22)) for number in range(30)])
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(configuration),
            "run",
            f"{api.url}/api/v1/openapi.json",
        ),
        *("--header", f"Authorization: Bearer {WRITE}"),
        *("--url", f"{api.url}/api/v1", "--exclude-path", "/events", "--checks", "all", "--seed", "7"),
        *("--max-examples", EXAMPLES, "--request-timeout", "20", "--no-color", "--suppress-health-check", "all"),
    ]
    child = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(240):
        said, _ = await child.communicate()
    assert child.returncode == 0, said.decode()
    assert TASK not in said.decode()
