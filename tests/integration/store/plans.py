"""Which index each statement that is asked often must be answered from, however many rows there are."""

from collections.abc import Iterator
from datetime import timedelta

import asyncpg

from bridge.core.ledger import BEGINNING, END
from bridge.store.queries import query
from bridge.store.rows import PHASES, to_json, to_row
from tests.integration.store.rows import AT, wanted

TABLE = """
INSERT INTO runs (task_id, run_id, pool, phase, look_at, not_before, due_at, asked, request_id, request_run, outcome, deadline,
                  task_group_id, scheduler_id, project_id, priority, scheduled, expires, created_at, taken_until, reclaim_at)
SELECT 't' || n, 0, 'p', phase, now(), now(), CASE WHEN open THEN now() + n * interval '1 s' END,
       CASE WHEN phase = 'wanted' THEN false END, CASE WHEN phase = 'queued' THEN n END, CASE WHEN phase = 'queued' THEN 0 END,
       CASE WHEN NOT open THEN 'done' END, now() + (n - $1::bigint * 9 / 10) * interval '1 hour', 'g' || n % 1000, 's', 'p', 'low', now(), now(),
       now() - n * interval '1 s', claimed, claimed
FROM generate_series(1, $1::bigint) n,
     LATERAL (SELECT (ARRAY['wanted', 'queued', 'settled'])[1 + n % 3] AS phase) p, LATERAL (SELECT phase <> 'settled' AS open) o,
     LATERAL (SELECT CASE WHEN phase = 'queued' THEN now() + n * interval '1 s' END AS claimed) c
"""
"""$1: how many rows; two thirds of them are unsettled, half of those with a claim."""

DUE: list[object] = ["me", 64, timedelta(seconds=15), timedelta(seconds=30), ["p"], PHASES]
DUE_OWN: list[object] = ["me", 64, timedelta(seconds=30), ["p"], PHASES]

PLANS = [
    ("due", DUE, "runs_due"),
    ("due", DUE, "runs_near"),
    ("due_own", DUE_OWN, "runs_due"),
    ("due_own", DUE_OWN, "runs_near"),
    ("overdue", [20], "runs_due"),
    ("margins", [], "runs_due"),
    ("margins", [], "runs_near"),
    ("lease", ["t5", 0, timedelta(seconds=15), "me", timedelta(seconds=30), ["p"], PHASES], "runs_open"),
    ("task_rows", ["t5"], "runs_pkey"),
    ("save", [to_json([{**to_row(wanted()), "version": 1}]), "[]", "me", None, None], "runs_pkey"),
    ("save", [to_json([{**to_row(wanted()), "version": 1}]), "[]", "me", None, AT], "runs_pkey"),
    ("release", [["t5"], [0], "me"], "runs_pkey"),
    ("of_requests", [[5, 6, 7], ["p"]], "runs_request"),
    ("unsettled", ["t5", 0, 1000], "runs_open"),
    ("let_go", ["t5", 0], "runs_open"),
    ("retire", [timedelta(days=3700), 500], "runs_settled"),
    ("status_oldest", [], "runs_listed_open"),
]


def listed(*ways: str, group: str | None = None, task: str | None = None, number: int | None = None) -> list[object]:
    """Arguments of a page of runs: first page, nothing filtered but by the way in."""
    request, build = (number if "request" in ways else None), (number if "build" in ways else None)
    narrow = [list(ways), group, task, request, build]
    return [*narrow, END, "", -1, BEGINNING, 20000, ["queued"], ["p"], "b%", None, False, ["p"], 100]


PLANS += [
    ("status_runs", listed("open"), "runs_listed_open"),
    ("status_runs", listed("settled"), "runs_listed_settled"),
    ("status_runs", listed("open", "settled"), "runs_listed_settled"),
    ("status_runs", listed("group", group="g7"), "runs_group"),
    ("status_runs", listed("task", task="t5"), "runs_pkey"),
    ("status_runs", listed("request", number=7), "runs_request_settled"),
    ("status_runs", listed("build", number=7), "runs_build"),
]


async def astray(connection: asyncpg.Connection, name: str, args: list[object], index: str) -> list[str]:
    """What is wrong with the plan of a statement: the index is not used, or the whole table is read."""
    statement = await connection.prepare(query(name))
    nodes = list(walked((await statement.explain(*args))[0]["Plan"]))
    unused = [] if index in [node.get("Index Name") for node in nodes] else [f"{name} does not use {index}"]
    scanned = [node for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "runs"]
    return [*unused, *(f"{name} reads all rows of runs" for _ in scanned)]


async def most_read(connection: asyncpg.Connection, name: str, args: list[object]) -> tuple[int, float]:
    """The rows of the table that the busiest step of the plan reads, those that it passes over included, and milliseconds.

    Nothing stays so. What it passes over in an index, without reading the row, does not count.

    Entries of bitmaps are left out: they are counted again for each version of a row that nobody sees any more.
    """
    transaction = connection.transaction()
    await transaction.start()
    statement = await connection.prepare(query(name))
    told = (await statement.explain(*args, analyze=True))[0]
    await transaction.rollback()
    steps = [node for node in walked(told["Plan"]) if node["Node Type"] != "Bitmap Index Scan"]
    return max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in steps), told["Execution Time"]


def walked(node: dict) -> Iterator[dict]:
    yield node
    for inner in node.get("Plans", []):
        yield from walked(inner)
