"""What the calls about a single build do."""

from __future__ import annotations

from bridge.master import record, states, wire
from bridge.master.call import Answer, Call, Text
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


def _build_id(call: Call) -> int:
    return wire.row_id(call.path[0], "build")


def _foreign(call: Call) -> NotFound:
    return NotFound(f"build {call.path[0]} is not a build of the bridge")
