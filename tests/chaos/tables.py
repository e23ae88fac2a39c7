"""Buildbot's own tables, read from the outside."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Final

from tests.sandbox.stack import Stack

REQUESTS: Final = """
SELECT r.id AS buildrequestid, s.external_idstring AS key, r.submitted_at, r.complete, r.complete_at, r.results
FROM buildrequests r JOIN buildsets s ON s.id = r.buildsetid
WHERE s.external_idstring LIKE ? AND s.rebuilt_buildid IS NULL AND r.id > ? ORDER BY r.id
"""
BUILDS: Final = """
SELECT id AS buildid, buildrequestid, started_at, complete_at, results FROM builds WHERE buildrequestid = ? ORDER BY id
"""
Json = dict[str, Any]


def place(stack: Stack) -> Path:
    """Where the master has its tables."""
    return stack.buildbot.directory / "master" / "state.sqlite"


def requests(database: Path, task: str = "", after: int = 0) -> list[Json]:
    """The requests made for the runs of a task, or of all, with their `builds`; those of person's rebuilds are left out."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(REQUESTS, (f"{task}%/%", after))]
        for request in found:
            request["complete"] = bool(request["complete"])
            request["builds"] = [dict(row) for row in connection.execute(BUILDS, (request["buildrequestid"],))]
        return found
