"""Answers for Taskcluster's queue and for Buildbot's plugin as if every run of the crowd ran.

`python -m tests.bench.crowd.server EPOCH`: prints one line of JSON with its address when it is ready. EPOCH: seconds since 1970
of the crowd's beginning.
"""

import asyncio
import json
import socket
import sys
import time
from datetime import UTC, datetime, timedelta

from aiohttp import web

from tests.bench.crowd.names import number_of, task_of
from tests.bench.crowd.rows import DEADLINE

CLAIM = timedelta(minutes=20)


def zulu(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Crowd:
    """One server for one crowd. `renewed`: number and time of each renewal, in their order."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.renewed: list[tuple[int, float]] = []
        self.calls: dict[str, int] = {}
        times = {
            "taskQueueId": "proj-demo/buildbot",
            "schedulerId": "demo",
            "projectId": "none",
            "priority": "low",
            "deadline": zulu(began + DEADLINE),
            "expires": zulu(began + timedelta(days=30)),
            "retriesLeft": 5,
            "state": "running",
        }
        self._times = json.dumps(times)[1:-1]
        run = {
            "runId": 0,
            "state": "running",
            "reasonCreated": "scheduled",
            "scheduled": zulu(began),
            "workerGroup": "buildbot",
            "workerId": "crowd-1",
            "takenUntil": zulu(began + CLAIM),
            "started": zulu(began),
        }
        self._run = json.dumps(run)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/api/queue/v1/tasks/status", self.statuses)
        app.router.add_get("/api/queue/v1/task/{task}/status", self.status)
        app.router.add_post("/api/queue/v1/task/{task}/runs/0/claim", self.claim)
        app.router.add_post("/api/queue/v1/task/{task}/runs/0/reclaim", self.reclaim)
        app.router.add_post("/plugins/taskcluster/v1/states", self.states)
        app.router.add_get("/control/renewed", self.told)
        return app

    def _status(self, task: str) -> str:
        group = str(number_of(task) % 1000).rjust(22, "g")
        return f'{{"taskId":"{task}","taskGroupId":"{group}",{self._times},"runs":[{self._run}]}}'

    def _count(self, call: str) -> None:
        self.calls[call] = self.calls.get(call, 0) + 1

    async def statuses(self, request: web.Request) -> web.Response:
        self._count("statuses")
        ids = (await request.json())["taskIds"]
        rows = ",".join(f'{{"taskId":"{task}","status":{self._status(task)}}}' for task in ids)
        return _json(f'{{"statuses":[{rows}]}}')

    async def status(self, request: web.Request) -> web.Response:
        self._count("status")
        return _json(f'{{"status":{self._status(request.match_info["task"])}}}')

    async def states(self, request: web.Request) -> web.Response:
        self._count("states")
        at = int(self.began.timestamp())
        ids = (await request.json())["buildrequestids"]
        return _json('{"epoch":"crowd","seq":0,"states":[' + ",".join(_state(number, at) for number in ids) + "]}")

    async def claim(self, request: web.Request) -> web.Response:
        self._count("claim")
        return self._taken(request.match_info["task"])

    async def reclaim(self, request: web.Request) -> web.Response:
        self._count("reclaim")
        task = request.match_info["task"]
        self.renewed.append((number_of(task), time.time()))
        return self._taken(task)

    def _taken(self, task: str) -> web.Response:
        until = datetime.now(UTC) + CLAIM
        certificate = json.dumps({"version": 1, "expiry": int(until.timestamp() * 1000), "seed": "s", "signature": "s"})
        credentials = {"clientId": f"task/{task}", "accessToken": "a" * 44, "certificate": certificate}
        body = {"status": json.loads(self._status(task)), "runId": 0, "takenUntil": zulu(until), "credentials": credentials}
        return web.json_response(body)

    async def told(self, _: web.Request) -> web.Response:
        renewed, self.renewed = self.renewed, []
        calls, self.calls = self.calls, {}
        return web.json_response({"renewed": renewed, "calls": calls})


def _state(number: int, at: int) -> str:
    return (
        f'{{"buildrequestid":{number},"external_id":"{task_of(number)}/0","builder":"crowd","priority":0,"claimed":true,'
        f'"complete":false,"results":null,"submitted_at":{at},"complete_at":null,"interrupted":null,"builds":[{{'
        f'"buildid":{number},"number":{number},"builderid":1,"worker":"crowd-1","workerid":1,"started_at":{at},'
        f'"complete_at":null,"results":null,"state_string":"building","interrupted":null}}]}}'
    )


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


async def main(began: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    runner = web.AppRunner(Crowd(datetime.fromtimestamp(int(began), UTC)).application(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
