"""What each call of the contract does: a table of paths, and one function for each."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any, Final

import buildbot
import sqlalchemy as sa

from bridge.master import build_calls, ending, rows, states, wire
from bridge.master.call import Action, Answer, Call
from bridge.master.refusal import MethodNotAllowed, NoSuchPath, NotFound

VERSION: Final = files("bridge.master").joinpath("VERSION").read_text("utf-8").strip()


async def submit(call: Call) -> Answer:
    wish = wire.submission(call.key, call.body, call.master.reactor.seconds(), wire.traceparent(call.trace))
    service = call.service
    is_open = service.is_open.fullmatch(wish.builder) is not None
    limit = service.max_pending(wish.builder)
    submitted = await service.desk.submit(call.master, call.key, wish, is_open=is_open, limit=limit)
    return Answer(201 if submitted.created else 200, submitted.as_json())


async def find(call: Call) -> Answer:
    return Answer(200, await _state(call))


async def cancel(call: Call) -> Answer:
    """Have the request end; a running build is only asked to, so the caller has to look again."""
    reason = wire.reason(call.body)
    state = await _state(call)
    if state["complete"]:
        return Answer(200, state)
    await ending.end(call.master, state["buildrequestid"], reason)
    return Answer(202, state)


async def prioritise(call: Call) -> Answer:
    """Change the priority of a request that nobody has claimed; any other keeps the one it has."""
    priority = wire.priority(call.body)
    state = await _state(call)
    model = call.master.db.model
    request, claim = model.buildrequests, model.buildrequest_claims

    def write(connection: Any) -> None:
        # Buildbot's own `set_priority` fails with a TypeError up to 4.3.0.
        unclaimed = request.c.id.notin_(sa.select(claim.c.brid).where(claim.c.brid == state["buildrequestid"]))
        wanted = sa.and_(request.c.id == state["buildrequestid"], request.c.complete == 0, unclaimed)
        with connection.begin():
            connection.execute(request.update().where(wanted).values(priority=priority))

    await call.master.db.pool.do(write)
    return Answer(200, await _state(call))


async def list_states(call: Call) -> Answer:
    query = wire.states_query(call.body)
    # Before the database is read, so that a listener which watches on from here misses nothing.
    ring = call.service.journal.ring
    here = {"epoch": ring.epoch, "seq": ring.seq}
    return Answer(200, here | {"states": await call.service.requests.named(call.master, query)})


async def list_requests(call: Call) -> Answer:
    query = wire.page_query(call.query)
    ring = call.service.journal.ring
    here = {"epoch": ring.epoch, "seq": ring.seq}
    found, onward = await call.service.requests.page(call.master, query)
    return Answer(200, here | {"states": found, "next": onward})


async def changes(call: Call) -> Answer:
    return Answer(200, await call.service.journal.changes(call.master, wire.changes_query(call.query)))


async def builders(call: Call) -> Answer:
    found = await rows.fetch(call.master, [rows.configured_builders(call.master.db.model)])
    listed = [
        {"name": row.name, "builderid": row.id, "connected_workers": row.connected_workers}
        for row in found
        if call.service.is_open.fullmatch(row.name)
    ]
    return Answer(200, {"builders": listed})


async def version(call: Call) -> Answer:
    service = call.service
    answer = {
        "version": VERSION,
        "buildbot_version": buildbot.version,
        "buildbot_url": call.master.config.buildbotURL,
        "epoch": service.journal.ring.epoch,
        "builders": list(service.builder_patterns),
        "stopping": bool(call.master.botmaster.shuttingDown),
    }
    return Answer(200, answer)


async def _state(call: Call) -> states.Json:
    state: states.Json | None = await call.service.requests.find(call.master, call.key, wire.not_before(call.query))
    if state is None:
        raise NotFound(f"run {call.key} has no build request here")
    return state


_TABLE: Final[list[tuple[re.Pattern[str], dict[str, Action]]]] = [
    (re.compile(r"runs/([^/]*)/([^/]*)"), {"PUT": submit, "GET": find}),
    (re.compile(r"runs/([^/]*)/([^/]*)/cancel"), {"POST": cancel}),
    (re.compile(r"runs/([^/]*)/([^/]*)/priority"), {"POST": prioritise}),
    (re.compile(r"states"), {"POST": list_states}),
    (re.compile(r"requests"), {"GET": list_requests}),
    (re.compile(r"changes"), {"GET": changes}),
    (re.compile(r"builders"), {"GET": builders}),
    (re.compile(r"builds/([^/]*)/properties"), {"GET": build_calls.properties}),
    (re.compile(r"builds/([^/]*)/steps"), {"GET": build_calls.steps}),
    (re.compile(r"builds/([^/]*)/logs/([^/]*)"), {"GET": build_calls.log}),
    (re.compile(r"builds/([^/]*)/outputs"), {"GET": build_calls.outputs, "DELETE": build_calls.release}),
    (re.compile(r"builds/([^/]*)/outputs/([^/]*)"), {"GET": build_calls.output}),
    (re.compile(r"version"), {"GET": version}),
]


def action(method: str, path: str) -> tuple[Action, tuple[str, ...]]:
    """Find what a method and a path ask for; raises NoSuchPath or MethodNotAllowed."""
    for pattern, methods in _TABLE:
        match = pattern.fullmatch(path)
        if match is not None and method in methods:
            return methods[method], match.groups()
        if match is not None:
            raise MethodNotAllowed(f"{method} is not for this path; {' and '.join(sorted(methods))} is")
    raise NoSuchPath("no such path in version 1 of this interface")
