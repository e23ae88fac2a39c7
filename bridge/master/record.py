"""What one build of ours shows to people: its steps, and the text of their logs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from bridge.master import record_rows, rows
from bridge.master.lines import Lines

Json = dict[str, Any]
_CHUNKS: Final = 16
"""Rows read at once; Buildbot keeps the content of one below 64 KiB."""
_KINDS: Final = {"s": "stdio", "t": "text", "h": "html"}
_DELETED: Final = "d"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines of a log, up to but without `next_line`; `complete` where there never will be others."""

    text: bytes
    next_line: int
    complete: bool


async def record(master: Any, build_id: int) -> Json | None:
    """Give a build of ours with its steps and their logs; None for any other build."""
    model = master.db.model
    # In this order: what is told as finished is then told with all that belongs to it.
    asked = [record_rows.build(model, build_id), record_rows.steps_of(model, build_id), record_rows.logs_of(model, build_id)]
    builds, steps, logs = await rows.fetch_each(master, asked)
    if not builds:
        return None
    of_step: dict[int, list[Json]] = {}
    for log in logs:
        of_step.setdefault(log.stepid, []).append(_log(log))
    return _build(builds[0]) | {"steps": [_step(step, of_step.get(step.id, [])) for step in steps]}


def _build(row: Any) -> Json:
    return {
        "buildid": row.id,
        "number": row.number,
        "builder": row.builder,
        "worker": row.worker or "",
        "external_id": row.external_idstring,
        "started_at": row.started_at,
        "complete_at": row.complete_at,
        "results": row.results,
        "state_string": row.state_string,
    }


def _step(row: Any, logs: list[Json]) -> Json:
    return {
        "number": row.number,
        "name": row.name,
        "started_at": row.started_at,
        "complete_at": row.complete_at,
        "results": row.results,
        "state_string": row.state_string,
        "hidden": bool(row.hidden),
        "urls": {each["name"]: each["url"] for each in json.loads(row.urls_json)},
        "logs": logs,
    }


def _log(row: Any) -> Json:
    # Buildbot counts the lines of a log on after it has thrown them away.
    deleted = row.type == _DELETED
    return {
        "logid": row.id,
        "name": row.name,
        "kind": _KINDS.get(row.type, "text"),
        "lines": 0 if deleted else row.num_lines,
        "complete": deleted or bool(row.complete),
    }


async def piece(master: Any, build_id: int, log_id: int, first: int) -> Piece | None:
    """Give lines of a log from line `first` on; None where the build is not ours or has no such log.

    What is written meanwhile is neither lost nor told twice: lines have numbers, and a log is taken for finished only
    when it was so before its lines were read.
    """
    model, readers = master.db.model, master.db.logs.COMPRESSION_BYID

    def read(connection: Any) -> Piece | None:
        log = connection.execute(record_rows.log(model, build_id, log_id)).fetchone()
        if log is None:
            return None
        lines = Lines(first, stream=log.type == "s")
        while not lines.full and _more(connection, model, log_id, lines, readers):
            pass
        finished = bool(log.complete) or log.complete_at is not None
        whole = log.last_line is None or lines.next_line > log.last_line
        return Piece(lines.text, lines.next_line, finished and whole)

    found: Piece | None = await master.db.pool.do(read)
    return found


def _more(connection: Any, model: Any, log_id: int, lines: Lines, readers: Any) -> bool:
    """Take some more chunks, each unpacked only when it is needed; False when there are none."""
    chunks = connection.execute(record_rows.chunks(model, log_id, lines.next_line, _CHUNKS)).fetchall()
    for chunk in chunks:
        if not lines.full:
            lines.take(chunk.first_line, _unpacked(readers[chunk.compressed], bytes(chunk.content or b"")))
    return bool(chunks)


def _unpacked(reader: Any, content: bytes) -> bytes:
    # Buildbot 4.0 names its readers in dictionaries; later releases have a class for each.
    read = reader["read"] if isinstance(reader, dict) else reader.read
    return bytes(read(content))
