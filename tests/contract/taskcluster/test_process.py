"""The double as a process of its own."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp

from tests.contract.taskcluster.conftest import CONFIG


async def test_the_process_says_where_it_is_and_ends_when_told(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    config = tmp_path / "double.json"
    config.write_text(json.dumps(CONFIG))
    arguments = ("-m", "tests.doubles.taskcluster", "--port", "0", "--config", str(config))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        root_url = json.loads(await process.stdout.readline())["rootUrl"]
        async with http.get(f"{root_url}/api/queue/v1/ping") as answer:
            assert (await answer.json())["alive"] is True
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
