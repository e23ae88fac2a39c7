"""What docker-worker's feature `taskclusterProxy` is to a task: an address that makes calls with the run's credentials.

Only the part `/api/…` of taskcluster-proxy. Requests are signed as they come and answers given back as they are,
redirections too; nothing is kept or tried again.
"""

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import mohawk
from aiohttp import web
from yarl import URL

ADDRESS = "http://taskcluster"
"""Where tasks of docker-worker find it."""


@contextlib.asynccontextmanager
async def proxied(root_url: str, credentials: dict[str, Any], http: aiohttp.ClientSession) -> AsyncIterator[str]:
    """Serve a task for as long as the block lasts; gives the address."""

    async def forward(asked: web.Request) -> web.Response:
        url, body = f"{root_url}{asked.raw_path}", await asked.read()
        kind = asked.headers.get("Content-Type", "")
        headers = {"Authorization": _signed(credentials, asked.method, url, body, kind)} | (
            {"Content-Type": kind} if kind else {}
        )
        whole = URL(url, encoded=True)
        request = http.request(
            asked.method, whole, data=body, headers=headers, allow_redirects=False, skip_auto_headers=("Content-Type",)
        )
        async with request as answer:
            kept = {name: answer.headers[name] for name in ("Content-Type", "Location") if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/api/{tail:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _signed(credentials: dict[str, Any], method: str, url: str, body: bytes, kind: str) -> str:
    key = {"id": credentials["clientId"], "key": credentials["accessToken"], "algorithm": "sha256"}
    ext = json.dumps({"certificate": json.loads(credentials["certificate"])})
    packed = base64.urlsafe_b64encode(ext.encode()).decode().rstrip("=")
    return str(mohawk.Sender(key, url, method, content=body, content_type=kind, ext=packed).request_header)
