"""A Taskcluster deployment in which nothing is indexed, and where one task has artifacts: all that generating asks for."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

_LISTS = ("/api/index/v1/tasks/", "/api/index/v1/namespaces/")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Its root URL, and the folder with the files that every task has as artifacts under `public/`."""

    root_url: str
    public: Path


class _Services(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        name = path.rpartition("/public/")[2]
        if path.startswith(_LISTS):
            self._answer(200, b'{"tasks": []}')
        elif not (self.server.public / name).is_file():
            self._answer(404, b'{"code": "ResourceNotFound", "message": "there is none"}')
        elif path.startswith("/files/"):
            self._answer(200, (self.server.public / name).read_bytes())
        else:
            url = f"http://{self.headers['Host']}/files/public/{name}"
            self._answer(303, json.dumps({"storageType": "reference", "url": url}).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b'{"tasks": [], "statuses": []}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


class _Server(ThreadingHTTPServer):
    def __init__(self, public: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Services)
        self.public = public


@contextlib.contextmanager
def serving(public: Path) -> Iterator[Deployment]:
    with _Server(public) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Deployment(f"http://127.0.0.1:{server.server_port}", public)
        server.shutdown()
        thread.join()
