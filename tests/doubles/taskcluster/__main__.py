"""Runs the double as a process: prints one line of JSON with its rootUrl when it is ready."""

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from tests.doubles.taskcluster.server import serving
from tests.doubles.taskcluster.settings import Settings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.doubles.taskcluster", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--amqp", metavar="URL", help="RabbitMQ to publish to; without it messages go nowhere")
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON with clients, roles and periods")
    parser.add_argument("--root-url", metavar="URL", help="where callers reach it, if not at its own address")
    return parser.parse_args()


async def _serve(asked: argparse.Namespace) -> None:
    known = Settings.load(asked.config)
    async with serving(known, asked.amqp, host=asked.host, port=asked.port, root_url=asked.root_url) as server:
        print(json.dumps({"rootUrl": server.root_url}), flush=True)
        await server.background


async def _until_signal(asked: argparse.Namespace) -> None:
    work = asyncio.create_task(_serve(asked))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    asyncio.run(_until_signal(_arguments()))
