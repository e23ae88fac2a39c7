"""What the calls about a single build do."""

from __future__ import annotations

import os
from dataclasses import asdict

from twisted.internet import threads

from bridge.master import record, record_rows, rows, states, wire
from bridge.master.call import Answer, Call, File, Text
from bridge.master.manifest import Owner
from bridge.master.refusal import NotFound


async def properties(call: Call) -> Answer:
    found = await states.properties(call.master, _build_id(call))
    if found is None:
        raise _foreign(call)
    return Answer(200, found)


async def steps(call: Call) -> Answer:
    found = await record.record(call.master, _build_id(call))
    if found is None:
        raise _foreign(call)
    return Answer(200, found)


async def log(call: Call) -> Text:
    """Give some lines of a log; the headers say where the next begin, and whether there will be any."""
    build_id, log_id, first = _build_id(call), wire.row_id(call.path[1], "log"), wire.first_line(call.query)
    piece = await record.piece(call.master, build_id, log_id, first)
    if piece is None:
        raise NotFound(f"log {log_id} is not a log of a build {build_id} of the bridge")
    return Text(piece.text, {"X-Next-Line": str(piece.next_line), "X-Complete": "true" if piece.complete else "false"})


async def outputs(call: Call) -> Answer:
    entries = await threads.deferToThread(call.service.spool.entries, await _owner(call))
    return Answer(200, {"outputs": [asdict(entry) for entry in entries]})


async def output(call: Call) -> File:
    number, owner = wire.row_id(call.path[1], "output"), await _owner(call)
    content = await threads.deferToThread(call.service.spool.open, owner, number)
    if content is None:
        raise NotFound(f"the spool has no output {number} of build {owner.build_id}")
    return File(content, os.fstat(content.fileno()).st_size)


async def release(call: Call) -> Answer:
    """Forget what the build gave away; a repetition finds nothing, and that is as well."""
    owner = await _owner(call)
    await threads.deferToThread(call.service.spool.remove, owner.build_id)
    return Answer(200, {})


async def _owner(call: Call) -> Owner:
    build_id = _build_id(call)
    found = await rows.fetch(call.master, [record_rows.build(call.master.db.model, build_id)])
    if not found:
        raise _foreign(call)
    return Owner(build_id, found[0].external_idstring)


def _build_id(call: Call) -> int:
    return wire.row_id(call.path[0], "build")


def _foreign(call: Call) -> NotFound:
    return NotFound(f"build {call.path[0]} is not a build of the bridge")
