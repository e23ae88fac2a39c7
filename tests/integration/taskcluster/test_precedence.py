"""Calls that keep a run alive do not wait behind a storm of others."""

import asyncio

import aiohttp
import pytest
from aiolimiter import AsyncLimiter

from bridge.core import faults
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from tests.integration.taskcluster.conftest import Site

TASK = "fN1SbArXTPSVFUUvaOlinQ"


async def test_a_renewal_goes_through_while_reads_wait_for_their_turn(site: Site) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        calls = Calls(site.double.root_url, session, AsyncLimiter(100, 1), lambda *_: None, others=AsyncLimiter(1, 3600))
        await calls.anonymous("ping")
        waiting = asyncio.create_task(calls.anonymous("ping"))
        with pytest.raises(faults.Missing):
            await calls.queue(Credentials("admin", "token of the admin"), None, "reclaimTask", TASK, "0")
        assert not waiting.done()
        waiting.cancel()
