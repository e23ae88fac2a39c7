"""A service of two loops in the frame that all services have, run as a process: `python -m … MODE`. Nothing outside."""

import asyncio
import sys
import time

from bridge import logs, process
from bridge.metrics import Metrics
from bridge.service import Frame, Heartbeat
from bridge.web import health

MODE = sys.argv[1]


async def steady(heart: Heartbeat) -> None:
    while True:
        await heart.rest(0.05)


async def special(heart: Heartbeat) -> None:
    """What the mode says, after the process has become ready."""
    await heart.rest(0.5)
    match MODE:
        case "dies":
            raise RuntimeError("canary-secret: the loop is broken")
        case "ends":
            return
        case "stalls":
            await asyncio.Event().wait()
        case "blocks":
            time.sleep(3600)
        case "clings":
            heart.grant(3600)
            logs.logger().info("clinging")
            await cling()
    await steady(heart)


async def cling() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            logs.logger().info("clung")


async def answers() -> None: ...


async def main() -> int:
    metrics = Metrics("sample", "1")
    frame = Frame("sample", metrics)
    logs.configure("json", "info", lambda: ("canary-secret",), stream=sys.stderr, service="sample", replica=frame.replica)

    async def work() -> None:
        frame.depends("database", answers)
        try:
            async with frame.loops() as loops:
                loops.start("steady", steady, silence=5)
                loops.start("special", special, silence=1)
        finally:
            logs.logger().info("closed")

    async with health.served(health.Health([frame], metrics), "127.0.0.1", 0):
        return await process.live([frame], work, drain=2, stuck=3)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
