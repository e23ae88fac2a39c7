"""Health, version and metrics of a process, in the forms of Kubernetes, Prometheus and Mozilla's Dockerflow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

from aiohttp import web

from bridge import logs
from bridge.metrics import CONTENT_TYPE, Metrics
from bridge.service import Frame

DISTRIBUTION: Final = "buildbot-bridge"
VERSION_FILE: Final = Path("/app/version.json")
"""Where Dockerflow has an image say what it was built from."""


@dataclass(frozen=True, slots=True)
class Health:
    """Answers for the services of this process."""

    frames: Sequence[Frame]
    metrics: Metrics
    version_file: Path = VERSION_FILE

    def routes(self) -> list[web.RouteDef]:
        """All that is answered; a service may add routes of its own."""
        return [
            web.get("/healthz", self.alive),
            web.get("/readyz", self.ready),
            web.get("/__version__", self.version),
            web.get("/__heartbeat__", self.heartbeat),
            web.get("/__lbheartbeat__", self.alive),
            web.get("/metrics", self.measures),
        ]

    async def alive(self, _request: web.Request) -> web.Response:
        """200: the process lives and its event loop turns."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200: all loops show life and all dependencies answered lately; else 503 with the reasons."""
        reasons = {frame.service: frame.unready() for frame in self.frames}
        ready = bool(reasons) and not any(reasons.values())
        return web.json_response({"ready": ready, "reasons": reasons}, status=200 if ready else 503)

    async def heartbeat(self, _request: web.Request) -> web.Response:
        """200: all dependencies answer now; else 503 with what is wrong."""
        answers = await asyncio.gather(*(frame.heartbeat() for frame in self.frames))
        checks = {frame.service: dict(answer) for frame, answer in zip(self.frames, answers, strict=True)}
        well = not any(wrong for answer in checks.values() for wrong in answer.values())
        shown = {service: {name: wrong or "ok" for name, wrong in answer.items()} for service, answer in checks.items()}
        return web.json_response({"status": "ok" if well else "error", "checks": shown}, status=200 if well else 503)

    async def version(self, _request: web.Request) -> web.Response:
        """Give source, version, commit and build."""
        return web.json_response(await asyncio.to_thread(who, self.version_file))

    async def measures(self, _request: web.Request) -> web.Response:
        """Give the metrics."""
        return web.Response(body=self.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def who(version_file: Path = VERSION_FILE) -> dict[str, str]:
    """What this program was built from: the image's own words, else those of the installed distribution."""
    try:
        said = json.loads(version_file.read_text(encoding="utf-8"))
        return {name: str(said.get(name, "")) for name in ("source", "version", "commit", "build")}
    except (OSError, ValueError, AttributeError):
        return {"source": _source(), "version": release(), "commit": "", "build": ""}


def release() -> str:
    """The version of the installed distribution."""
    try:
        return metadata(DISTRIBUTION)["Version"]
    except PackageNotFoundError:
        return "unknown"


def _source() -> str:
    try:
        urls = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return next((url.split(", ", 1)[1] for url in urls if url.lower().startswith("source, ")), "")


@asynccontextmanager
async def served(health: Health, host: str, port: int, routes: Sequence[web.RouteDef] = ()) -> AsyncIterator[int]:
    """Answer on host and port while inside; the port that was taken, which for 0 is any free one."""
    app = web.Application()
    app.add_routes([*health.routes(), *routes])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        taken: int = runner.addresses[0][1]
        logs.logger().info("web_listening", url=f"http://{host}:{taken}")
        yield taken
    finally:
        await runner.cleanup()
