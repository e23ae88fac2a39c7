"""The rows in memory and the real store on PostgreSQL: any sequence of operations has the same outcome in both."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.core.run import RequestId, Run, RunId, RunKey, TaskId, Wanted
from bridge.store import database, runs
from bridge.store.database import Database
from tests.integration.store.rows import CLAIM, FACTS, FULL
from tests.simulation import store
from tests.simulation.fabric import Machine

_GRACE = timedelta(hours=1)  # so that how long the test itself takes decides nothing
_TASKS = ("A" * 22, "B" * 22)
_MOST_ASKED = 3  # on a row in hand, on rows that were read, on rows that were locked
_NAMES = ("one", "two")
_LEASES_END = "UPDATE runs SET lease_until = lease_until - interval '1 day'"


class _Direct:
    """A network without distance."""

    loop = SimpleNamespace(now=0.0)

    async def call(self, _machine: Machine, _side: str, _name: str, effect: Callable[[], Any]) -> Any:
        return effect()


@dataclass
class _Both:
    """The same operations on both stores. Times of rows are days ago, minutes ago or days ahead: far from each other."""

    random: Random
    real: dict[str, runs.Runs]
    played: dict[str, store.Runs]
    table: store.Table
    opened: Database

    def operation(self) -> Callable[[], Awaitable[None]]:
        chosen: Callable[[], Awaitable[None]] = self.random.choice(
            (
                self.insert, self.add, self.change, self.change, self.change, self.lease, self.lease, self.release,
                self.abandon, self.due, self.due, self.of_task, self.of_requests, self.unsettled, self.retire, self.leases_end,
            )
        )  # fmt: skip
        return chosen

    def key(self) -> RunKey:
        return RunKey(TaskId(self.random.choice(_TASKS)), RunId(self.random.randrange(3)))

    def moment(self) -> datetime:
        """No two are equal, so that no order is open."""
        ago = self.random.choice((timedelta(days=2), timedelta(minutes=10), -timedelta(days=2)))
        return datetime.now(UTC) - ago + timedelta(microseconds=self.random.randrange(10**6))

    def run(self) -> Run:
        phase = self.random.choice(FULL)
        if getattr(phase, "claim", None) is not None:
            phase = replace(phase, claim=replace(CLAIM, taken_until=self.moment(), reclaim_at=self.moment()))
        facts = self.random.choice((None, replace(FACTS, deadline=self.moment())))
        return Run(self.key(), "linux", phase, self.moment(), self.moment(), facts, "builder", self.random.randrange(3))

    def who(self) -> str:
        return self.random.choice(_NAMES)

    async def same(self, name: str, act: Callable[[Any], Awaitable[Any]]) -> None:
        assert await act(self.real[name]) == await act(self.played[name])

    async def insert(self) -> None:
        at = self.moment()
        new = [Run(self.key(), "linux", Wanted(), at, at)]
        await self.same(self.who(), lambda each: each.insert(new))

    async def add(self) -> None:
        run = self.run()
        await self.same(self.who(), lambda each: each.add(run, "because"))

    async def change(self) -> None:
        given = {
            run.key.run_id: run
            for run in (replace(self.run(), key=self.key()) for _ in range(self.random.choice((0, 1, 2))))
        }
        task = TaskId(self.random.choice(_TASKS))
        after = {number: replace(run, key=RunKey(task, number)) for number, run in given.items()}
        holder = self.random.choice((None, *_NAMES))
        asked: list[list[Any]] = []

        async def change(each: Any) -> Any:
            rows: list[Any] = []
            asked.append(rows)

            def decide(now: Any) -> Any:
                rows.append(dict(now))
                return after

            return await each.change(task, decide, because="because", holder=holder)

        await self.same(self.who(), change)
        real, played = asked
        assert [real[-1]] == played  # the real one may have decided on older rows first, and dropped that
        assert len(real) <= _MOST_ASKED

    async def lease(self) -> None:
        key, name = self.key(), self.who()
        await self.same(name, lambda each: each.lease(key, name))

    async def release(self) -> None:
        keys, name = [self.key(), self.key()], self.who()
        await self.same(name, lambda each: each.release(keys, name))

    async def abandon(self) -> None:
        name = self.who()
        await self.same(name, lambda each: each.abandon(name))

    async def due(self) -> None:
        name, limit, foreign = self.who(), self.random.choice((1, 2, 10)), self.random.random() < 0.5
        await self.same(name, lambda each: each.due(name, limit=limit, foreign=foreign))

    async def of_task(self) -> None:
        task = self.key().task_id
        await self.same(self.who(), lambda each: each.of_task(task))

    async def of_requests(self) -> None:
        async def found(each: Any, pools: list[str]) -> list[Run]:
            return sorted(await each.of_requests([RequestId(7), RequestId(8)], pools=pools), key=lambda run: run.key)

        pools = self.random.choice((["linux"], ["mac"]))
        await self.same(self.who(), lambda each: found(each, pools))

    async def unsettled(self) -> None:
        page = self.random.choice((1, 2, 1000))

        async def listed(each: Any) -> list[Run]:
            return [run async for rows in each.unsettled(page=page) for run in rows]

        await self.same(self.who(), listed)

    async def retire(self) -> None:
        await self.same(self.who(), lambda each: each.retire(timedelta(days=1), 2))

    async def leases_end(self) -> None:
        await self.opened.fetch(_LEASES_END)
        past = timedelta(days=1)
        ended = [replace(row, lease_until=row.lease_until - past) for row in self.table.rows() if row.lease_until]
        self.table.commit([(row.run.key, row) for row in ended])

    async def compare(self) -> None:
        found = await self.opened.fetch("SELECT task_id, run_id, lease_owner, holder, due_at FROM runs ORDER BY 1, 2")
        rows = sorted(self.table.rows(), key=lambda row: row.run.key)
        assert [tuple(row) for row in found] == [
            (row.run.key.task_id, row.run.key.run_id, row.lease_owner, row.holder, row.due) for row in rows
        ]


@pytest.mark.parametrize("seed", range(3))
async def test_any_sequence_of_operations_has_the_same_outcome(seed: int, postgres_dsn: str) -> None:
    table = store.Table(lambda: datetime.now(UTC))
    async with database.opened(postgres_dsn) as opened:
        both = _Both(
            Random(seed),
            {name: runs.Runs(opened, name, ("linux",), _GRACE) for name in _NAMES},
            {name: store.Runs(table, Machine(name, 0.0, lambda: None), _Direct(), _GRACE) for name in _NAMES},
            table,
            opened,
        )
        for _ in range(150):
            await both.operation()()
            await both.compare()
