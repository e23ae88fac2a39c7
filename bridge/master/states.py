"""The truth about the bridge's requests: what the database of Buildbot says now, as the JSON of the contract."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from bridge.master import rows
from bridge.master.fields import INT32
from bridge.master.shutdown import Interruptions
from bridge.master.wire import PageQuery, RunKey, StatesQuery, is_run_key

Json = dict[str, Any]
_CANCELLED: Final = 6
_REMEMBERED: Final = 50_000


class Requests:
    """Reads the bridge's requests, and remembers of them only what never changes."""

    def __init__(self) -> None:
        self._interruptions = Interruptions()
        self._ids: OrderedDict[str, int] = OrderedDict()

    async def row(self, master: Any, key: RunKey, not_before: int) -> Any:
        """Give the row of a run's request, or None when there is none submitted since `not_before`.

        External ids have no index in Buildbot's schema, so a request that was read before is looked up by its number.
        """
        known = self._ids.get(str(key))
        by_id = [] if known is None else await rows.fetch(master, [rows.requests_by_id(master.db.model, [known])])
        if by_id and by_id[0].external_idstring == str(key):
            return by_id[0]
        found = await rows.fetch(master, [rows.request_of(master.db.model, str(key), not_before)])
        return found[0] if found else None

    async def find(self, master: Any, key: RunKey, not_before: int) -> Json | None:
        """Give the state of a run's request, or None when there is none submitted since `not_before`."""
        row = await self.row(master, key, not_before)
        states = await self._described(master, [] if row is None else [row])
        return states[0] if states else None

    async def named(self, master: Any, query: StatesQuery) -> list[Json]:
        """Give one entry for each id in the order asked: its state, or that there is no such request of ours."""
        askable = [each for each in query.request_ids if 0 < each <= INT32]
        statements = [rows.requests_by_id(master.db.model, batch) for batch in rows.batches(askable)]
        states = await self._described(master, await rows.fetch(master, statements))
        if query.properties:
            await _add_properties(master, states)
        by_id = {state["buildrequestid"]: state for state in states}
        return [by_id.get(each, {"buildrequestid": each, "missing": True}) for each in query.request_ids]

    async def page(self, master: Any, query: PageQuery) -> tuple[list[Json], int | None]:
        """Give the next states by rising id, and after which id to ask on; None when these were the last."""
        statement = rows.request_page(master.db.model, query.completed_since, query.after, query.limit)
        found = await rows.fetch(master, [statement])
        onward = found[-1].id if len(found) == query.limit else None
        return await self._described(master, found), onward

    async def _described(self, master: Any, found: Iterable[Any]) -> list[Json]:
        ours = [row for row in found if is_run_key(row.external_idstring)]
        self._remember(ours)
        statements = [rows.builds_of(master.db.model, batch) for batch in rows.batches([row.id for row in ours])]
        builds = await rows.fetch(master, statements)
        causes = await self._interruptions.of(master, [row for row in builds if row.results == _CANCELLED])
        of_request: dict[int, list[Json]] = {}
        for row in builds:
            of_request.setdefault(row.buildrequestid, []).append(_build(row, causes.get(row.id)))
        return [_state(row, of_request.get(row.id, [])) for row in ours]

    def _remember(self, found: Iterable[Any]) -> None:
        self._ids.update((row.external_idstring, row.id) for row in found)
        while len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)


async def properties(master: Any, build_id: int) -> Json | None:
    """Give the properties of a build of ours as {name: [value, source]}; None for any other build."""
    model = master.db.model
    request = await rows.fetch(master, [rows.request_of_build(model, build_id)])
    if not request or not await rows.fetch(master, [rows.names_of(model, [request[0].buildrequestid])]):
        return None
    found = await rows.fetch(master, [rows.properties_of(model, [build_id])])
    return {row.name: [json.loads(row.value), row.source] for row in found}


def _state(row: Any, builds: list[Json]) -> Json:
    complete = bool(row.complete)
    results = row.results if complete else None
    return {
        "buildrequestid": row.id,
        "external_id": row.external_idstring,
        "builder": row.builder,
        "priority": row.priority,
        "claimed": row.claim is not None,
        "complete": complete,
        "results": results,
        "submitted_at": row.submitted_at,
        "complete_at": row.complete_at if complete else None,
        "interrupted": builds[-1]["interrupted"] if results == _CANCELLED and builds else None,
        "builds": builds,
    }


def _build(row: Any, interrupted: str | None) -> Json:
    return {
        "buildid": row.id,
        "number": row.number,
        "builderid": row.builderid,
        "worker": row.worker or "",
        "workerid": row.workerid,
        "started_at": row.started_at,
        "complete_at": row.complete_at,
        "results": row.results,
        "state_string": row.state_string,
        "interrupted": interrupted,
    }


async def _add_properties(master: Any, states: Sequence[Json]) -> None:
    newest = {state["builds"][-1]["buildid"]: state for state in states if state["builds"]}
    statements = [rows.properties_of(master.db.model, batch) for batch in rows.batches(list(newest))]
    for state in states:
        state["properties"] = {}
    for row in await rows.fetch(master, statements):
        newest[row.buildid]["properties"][row.name] = [json.loads(row.value), row.source]
