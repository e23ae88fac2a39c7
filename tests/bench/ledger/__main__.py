"""Runs the ledger as a process: prints one line of JSON with its address when it is ready."""

import asyncio
import json
import socket
import sys

from aiohttp import web

from tests.bench.ledger.server import Ledger


async def main(token: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    runner = web.AppRunner(Ledger(token).application(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
