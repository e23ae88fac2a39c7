"""Switches and windows for tests and the demo, under /control/; loopback only, no credentials."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.doubles.taskcluster import settings
from tests.doubles.taskcluster.instants import SECOND, zulu
from tests.doubles.taskcluster.journal import LONGEST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.doubles.taskcluster.model import Message, Task
    from tests.doubles.taskcluster.server import Server

PAGE = 10_000


def routes(server: Server) -> Iterable[web.RouteDef]:
    """Build all control endpoints of a server."""
    control = Control(server)
    table = (
        ("GET", "counters", control.counters),
        ("GET", "counters/{task_id}", control.counters_of_task),
        ("POST", "counters/reset", control.reset_counters),
        ("GET", "journal", control.journal),
        ("GET", "history", control.history),
        ("GET", "messages", control.messages),
        ("POST", "messages/lose", control.lose_messages),
        ("POST", "messages/republish", control.republish),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.add_fault),
        ("DELETE", "faults", control.clear_faults),
        ("POST", "broker", control.broker),
        ("POST", "store", control.store),
        ("POST", "quarantine", control.quarantine),
        ("GET", "periods", control.periods),
        ("POST", "periods", control.set_periods),
        ("POST", "clock", control.clock),
        ("POST", "poll", control.poll),
        ("PUT", "clients", control.put_clients),
        ("PUT", "roles", control.put_roles),
        ("GET", "tasks", control.tasks),
        ("GET", "tasks/{task_id}", control.task),
    )
    return [web.route(method, f"/control/{path}", _guarded(perform)) for method, path, perform in table]


def _guarded(perform: Callable[[web.Request], Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:
            return web.json_response({"error": "control is for the loopback only"}, status=403)
        try:
            found = await perform(request)
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({} if found is None else found)

    return answer


async def _body(request: web.Request) -> dict[str, Any]:
    content = json.loads(await request.read() or b"{}")
    if not isinstance(content, dict):
        raise TypeError("an object is expected")
    return content


class Control:
    """One method an endpoint; each answers what is sent back, None for an empty object."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ledger = server.site.ledger

    # --- windows

    async def counters(self, _: web.Request) -> Any:
        journal = self.server.journal
        return {
            "calls": dict(journal.calls),
            "refused": dict(journal.refused),
            "messages": dict(self.server.broker.sent),
            "lostMessages": self.ledger.lost,
        }

    async def counters_of_task(self, request: web.Request) -> Any:
        return {"calls": dict(self.server.journal.by_task.get(request.match_info["task_id"], {}))}

    async def reset_counters(self, _: web.Request) -> None:
        self.server.journal.reset()
        self.server.broker.sent.clear()
        self.ledger.lost = 0

    async def journal(self, request: web.Request) -> Any:
        since, limit = int(request.query.get("since", 0)), int(request.query.get("limit", PAGE))
        found = self.server.journal.since(since, LONGEST)
        chosen = [entry for entry in found if _wanted(request, entry.api, entry.task_id)][:limit]
        last = chosen if len(chosen) == limit else found
        return {"entries": [entry.wire() for entry in chosen], "next": last[-1].number if last else since}

    async def history(self, request: web.Request) -> Any:
        since, limit = int(request.query.get("since", 0)), int(request.query.get("limit", PAGE))
        found = enumerate(self.ledger.history[since:], since + 1)
        chosen = [(number, change) for number, change in found if _wanted(request, None, change.task_id)][:limit]
        after = chosen[-1][0] if len(chosen) == limit else len(self.ledger.history)
        return {"transitions": [change.wire() for _, change in chosen], "next": after}

    async def messages(self, request: web.Request) -> Any:
        found = [message for message in self.server.broker.recent if _wanted(request, None, message.task_id)]
        return {"messages": [_message(message) for message in found]}

    async def tasks(self, request: web.Request) -> Any:
        state = request.query.get("state")
        found = [task for task in self.ledger.tasks.values() if state in (None, task.state)]
        return {"tasks": [_task(task) for task in found]}

    async def task(self, request: web.Request) -> Any:
        return _task(self.ledger.tasks[request.match_info["task_id"]])

    async def faults(self, _: web.Request) -> Any:
        return {"faults": [fault.wire() for fault in self.server.faults.switched_on]}

    async def periods(self, _: web.Request) -> Any:
        return settings.periods_wire(self.ledger.periods)

    # --- switches

    async def add_fault(self, request: web.Request) -> Any:
        return self.server.faults.add(await _body(request)).wire()

    async def clear_faults(self, _: web.Request) -> None:
        self.server.faults.clear()

    async def lose_messages(self, request: web.Request) -> Any:
        asked = await _body(request)
        until = self.server.now() + round(asked["seconds"] * SECOND)
        self.ledger.losses[asked.get("exchange", "*")] = until
        return {"until": zulu(until)}

    async def republish(self, request: web.Request) -> Any:
        asked = await _body(request)
        found = [message for message in self.server.broker.recent if message.task_id == asked["taskId"]]
        for message in found:
            self.ledger.deliver(message)
        await self.server.broker.flush()
        return {"messages": len(found)}

    async def broker(self, request: web.Request) -> Any:
        self.server.broker.forced_away = not (await _body(request))["up"]
        self.server.broker.update()
        await self.server.broker.flush()
        return {"up": self.ledger.broker_up}

    async def store(self, request: web.Request) -> None:
        asked = await _body(request)
        if not asked or asked.keys() - {"down", "bytesPerSecond"}:
            raise ValueError("down, bytesPerSecond or both are expected")
        store = self.server.site.store
        store.down = bool(asked.get("down", store.down))
        store.rate = asked.get("bytesPerSecond", store.rate)

    async def quarantine(self, request: web.Request) -> None:
        asked = await _body(request)
        who = (asked["workerGroup"], asked["workerId"])
        if asked.get("quarantined", True):
            self.ledger.quarantined.add(who)
        else:
            self.ledger.quarantined.discard(who)

    async def set_periods(self, request: web.Request) -> Any:
        settings.periods(self.ledger.periods, await _body(request))
        return settings.periods_wire(self.ledger.periods)

    async def clock(self, request: web.Request) -> Any:
        step = round((await _body(request))["advanceSeconds"] * SECOND)
        if step < 0:
            raise ValueError("time goes forward only")
        self.server.ahead += step
        self.server.site.at.auth.ahead = self.server.ahead
        return await self.poll(request)

    async def poll(self, _: web.Request) -> Any:
        self.server.site.poll(self.server.now())
        await self.server.broker.flush()
        return {"time": zulu(self.server.now())}

    async def put_clients(self, request: web.Request) -> None:
        for name, known in (await _body(request)).items():
            self.server.site.at.auth.clients[name] = settings.client(known)

    async def put_roles(self, request: web.Request) -> None:
        for name, scopes in (await _body(request)).items():
            self.server.site.at.auth.roles.put(name, list(scopes))


def _wanted(request: web.Request, api: str | None, task_id: str | None) -> bool:
    asked_api, asked_task = request.query.get("api"), request.query.get("taskId")
    return (asked_api is None or asked_api == api) and (asked_task is None or asked_task == task_id)


def _message(message: Message) -> dict[str, Any]:
    return {
        "time": zulu(message.at),
        "exchange": message.exchange,
        "routingKey": message.routing_key,
        "cc": list(message.cc),
        "body": message.body,
    }


def _task(task: Task) -> dict[str, Any]:
    artifacts = [{"runId": run_id, **artifact.wire()} for (run_id, _), artifact in task.artifacts.items()]
    return {"status": task.status(), "task": task.definition, "artifacts": artifacts}
