"""Runs services in this process until a signal, with logs, metrics and health pages around them."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from bridge import logs, process
from bridge.cli.complaint import Complaint
from bridge.metrics import Metrics
from bridge.service import Frame
from bridge.settings import Settings
from bridge.settings.shown import advice
from bridge.together import Together
from bridge.web import health

_GARBAGE: Final = (10_000, 20, 50)
"""Objects, and generations, between two looks for garbage in rings. A page of a sweep is thousands of values without any."""
Run = Callable[[Frame, Settings], Coroutine[Any, Any, None]]

# By name: a command that only reads need not load all services.
MODULES: Final[Mapping[str, str]] = {
    "taskcluster-listener": "listeners.taskcluster",
    "buildbot-listener": "listeners.buildbot",
    "reflector": "reflector.service",
    "web": "bridge.cli.web",
}


def serve(name: str, services: Sequence[str], settings: Settings, *, dry: bool = False) -> int:
    """Run the services; the exit status. `name` is that of the process: its port, its logs.

    `dry`: they only say what they would do, and take any free port, since the real ones have theirs.
    """
    metrics = Metrics(name, health.release())
    frames = [Frame(service, metrics, dry=dry) for service in services]
    form, level = settings.log.format, settings.log.level
    logs.configure(form, level, settings.secret_texts, stream=sys.stderr, service=name, replica=frames[0].replica)
    for said in advice(settings):
        logs.logger().warning("settings_advice", advice=said)
    return asyncio.run(_served(name, frames, metrics, settings))


async def _served(name: str, frames: Sequence[Frame], metrics: Metrics, settings: Settings) -> int:
    runs: list[Run] = [importlib.import_module(MODULES[frame.service]).run for frame in frames]
    leave_modules_alone()

    async def work() -> None:
        async with Together() as group:
            for frame, run in zip(frames, runs, strict=True):
                group.create_task(_named(frame, run, settings), name=frame.service)

    host, port = settings.web.host, 0 if frames[0].dry else settings.web.port_of(name)
    try:
        async with health.served(health.Health(frames, metrics), host, port):
            return await process.live(frames, work)
    except OSError as error:
        raise Complaint(f"web.host, web.port: cannot listen on {host}:{port}: {error.strerror}") from error


def leave_modules_alone() -> None:
    """What is loaded by now stays; to look through it again and again for garbage is a fifth of a sweep's CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


async def _named(frame: Frame, run: Run, settings: Settings) -> None:
    with logs.about(service=frame.service, replica=frame.replica):
        await run(frame, settings)
