"""The stream of changes: each once and in order, resumed where it broke off, to a bounded number of watchers."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import jsonschema

from bridge.core.run import Queued
from bridge.status.changes import SETTLED_FOR
from bridge.store.runs import Runs
from tests.integration.status.serving import Served, serving
from tests.integration.store.rows import FACTS, REQUEST, TASK, saved, wanted

LATE = f"INSERT INTO transitions (task_id, run_id, to_phase, because, who) VALUES ('{'L' * 22}', 0, 'x', 'x', 'x')"


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    id: int
    data: Any


@dataclass(slots=True)
class Watcher:
    """Reads events as a browser does: one without data only moves the id on."""

    answer: aiohttp.ClientResponse
    last: int = -1

    async def next(self, within: float = 20) -> Event:
        async with asyncio.timeout(within):
            while True:
                fields = await self._fields()
                self.last = int(fields.get("id", self.last))
                if "data" in fields:
                    return Event(fields["event"], self.last, json.loads(fields["data"]))

    async def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        while line := (await self.answer.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        assert not self.answer.content.at_eof(), "the stream has ended"
        return fields

    async def tasks(self, count: int) -> list[tuple[str, str]]:
        """The next changes as (task's first letter, phase)."""
        found = [await self.next() for _ in range(count)]
        return [(event.data["taskId"][0], event.data["toPhase"]) for event in found]


@asynccontextmanager
async def watching(api: Served, headers: Mapping[str, str] | None = None, **query: Any) -> AsyncIterator[Watcher]:
    timeout = aiohttp.ClientTimeout(total=None)
    async with api.http.get(f"{api.url}/api/v1/events", headers=headers, params=query, timeout=timeout) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        yield Watcher(answer)


async def test_changes_come_as_they_happen_in_the_form_of_the_document(store: Runs, api: Served) -> None:
    said = (await api.get("openapi.json")).json
    schema = {"$ref": "#/components/schemas/Event", "components": said["components"]}
    async with watching(api) as watcher:
        await store.insert([wanted(0)])
        first = await watcher.next(5)
        await saved(store, replace(wanted(0), phase=Queued(REQUEST), facts=FACTS, builder="b"))
        second = await watcher.next(5)
    assert (first.kind, first.data["fromPhase"], first.data["toPhase"]) == ("transition", None, "wanted")
    assert (second.data["pool"], second.data["builder"], second.data["because"]) == ("linux", "b", "test")
    assert first.id == first.data["id"] < second.id
    for event in (first, second):
        jsonschema.Draft202012Validator(schema).validate(event.data)


async def test_whoever_comes_back_gets_what_it_missed_and_nothing_twice(store: Runs, api: Served) -> None:
    async with watching(api) as watcher:
        await store.insert([wanted(0)])
        seen = await watcher.next()
    await store.insert([wanted(number) for number in range(1, 1200)])
    async with watching(api, {"Last-Event-ID": str(seen.id)}) as watcher:
        found = [(await watcher.next()).data["runId"] for _ in range(1199)]
    assert sorted(found) == list(range(1, 1200))
    async with watching(api, since=seen.id, taskId=TASK) as watcher:
        assert [(await watcher.next()).data["runId"] for _ in range(3)] == found[:3]


async def test_one_that_comes_into_sight_late_comes_in_its_place(postgres_dsn: str, store: Runs, api: Served) -> None:
    async with watching(api) as watcher:
        await store.insert([wanted(0, "A" * 22)])
        assert await watcher.tasks(1) == [("A", "wanted")]
        late = await asyncpg.connect(postgres_dsn)
        begun = late.transaction()
        await begun.start()
        await late.execute(LATE)
        await store.insert([wanted(0, "B" * 22)])
        await asyncio.sleep(1)  # time in which the second could be sent before the first
        await begun.commit()
        assert await watcher.tasks(2) == [("L", "x"), ("B", "wanted")]
        await begun_and_given_up(late)
        await store.insert([wanted(0, "C" * 22)])
        assert await watcher.tasks(1) == [("C", "wanted")]
        await late.close()


async def begun_and_given_up(connection: asyncpg.Connection) -> None:
    """Takes a number that nobody will ever see."""
    begun = connection.transaction()
    await begun.start()
    await connection.execute(LATE)
    await begun.rollback()


async def test_watchers_hear_only_of_what_they_asked_for(store: Runs, api: Served) -> None:
    async with watching(api, taskId="B" * 22) as of_task, watching(api, pool="windows") as of_pool:
        await store.insert([wanted(0, "A" * 22), wanted(0, "B" * 22), replace(wanted(0, "C" * 22), pool="windows")])
        assert await of_task.tasks(1) == [("B", "wanted")]
        assert await of_pool.tasks(1) == [("C", "wanted")]


async def test_one_that_saw_what_this_database_never_had_is_told_to_read_anew(store: Runs, api: Served) -> None:
    """The database was restored, or made anew."""
    await store.insert([wanted(0)])
    async with watching(api, {"Last-Event-ID": "999999"}) as watcher:
        reset = await watcher.next()
        assert (reset.kind, reset.data) == ("reset", {})
        assert reset.id < 999999
        await store.insert([wanted(0, "B" * 22)])
        assert await watcher.tasks(1) == [("B", "wanted")]


async def test_the_id_moves_on_while_nothing_is_sent(store: Runs, api: Served) -> None:
    async with watching(api, taskId="B" * 22) as watcher:
        await store.insert([wanted(number) for number in range(5)])
        newest = await store.database.value("SELECT max(id) FROM transitions")
        async with asyncio.timeout(SETTLED_FOR.total_seconds() + 15):
            while watcher.last < newest:
                fields = await watcher._fields()
                assert "data" not in fields
                watcher.last = int(fields.get("id", watcher.last))


async def test_no_more_than_so_many_may_watch_and_places_become_free(postgres_dsn: str, tmp_path: Path) -> None:
    async with serving(postgres_dsn, tmp_path, watchers=2) as api:
        async with watching(api), watching(api):
            refused = await api.get("events")
            assert (refused.status, refused.json["error"], refused.headers["Retry-After"]) == (503, "TooManyWatchers", "10")
        async with asyncio.timeout(20):
            while True:
                try:
                    async with watching(api):
                        break
                except AssertionError:
                    await asyncio.sleep(0.1)


async def test_watchers_are_sent_away_when_the_process_ends(postgres_dsn: str, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        async with serving(postgres_dsn, tmp_path) as api:
            answer = await http.get(f"{api.url}/api/v1/events", timeout=aiohttp.ClientTimeout(total=None))
        async with asyncio.timeout(2):
            await answer.read()
        answer.close()
