"""A copy of the sample, and what a graph that is optimized asks of the index service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.sandbox.environment import TASKGRAPH, ensure_environment
from tests.taskgraph import SAMPLE, definitions
from tests.taskgraph.generating import NEWEST, copied


@pytest.fixture(params=["newest", "lowest"])
def venv(request: pytest.FixtureRequest) -> Path:
    """The environments in which the extension must work."""
    return NEWEST if request.param == "newest" else ensure_environment(TASKGRAPH)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return copied(SAMPLE, tmp_path / "sample")


@pytest.fixture
def root_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """As in a decision task: the address that artifact-references begin with."""
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", definitions.ROOT_URL)
    return definitions.ROOT_URL


class _EmptyIndex(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        known = self.path.split("?")[0] in ("/api/index/v1/tasks/indexes", "/api/queue/v1/tasks/status")
        key = "statuses" if self.path.startswith("/api/queue/") else "tasks"
        body = json.dumps({key: []} if known else {}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def index() -> Iterator[str]:
    """The address of a deployment where nothing was ever indexed."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EmptyIndex) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
