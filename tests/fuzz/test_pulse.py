"""Deliveries of anybody, through the listener into a real database: rows for the readable ones, dead letters for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import assembly
from bridge.core.run import RunId, RunKey, TaskId
from bridge.metrics import Metrics
from bridge.pulse import Delivery
from bridge.settings import Settings
from bridge.store import migrate
from bridge.taskcluster.messages import EXCEPTION, PENDING
from bridge.telling import Telling
from listeners.taskcluster import Listener
from tests.fuzz.effort import fuzzed
from tests.fuzz.hostile import bodies, texts, written
from tests.sandbox import backend
from tests.sandbox.postgres import create_database, drop_database

POOL = "proj-test/linux"
TASK = "fN1SbArXTPSVFUUvaOlinQ"
MESSAGE = {
    "version": 1, "runId": 0,
    "status": {"taskId": TASK, "taskQueueId": POOL, "state": "pending", "runs": [{"runId": 0, "state": "pending"}]},
}  # fmt: skip
GOOD_TASK = "RQ6OGWNuRYCLxPGx9t3GZg"
GOOD = Delivery(PENDING, "primary", written({"runId": 0, "status": {"taskId": GOOD_TASK, "taskQueueId": POOL}}))


@dataclass
class Ear:
    """A listener of a house whose neighbours are not asked: a message only makes the bridge look, later."""

    house: assembly.House
    listener: Listener

    async def letters(self) -> int:
        return int(await self.house.database.value("SELECT count(*) FROM dead_letters"))

    async def rows(self) -> set[RunKey]:
        found = await self.house.database.fetch("SELECT task_id, run_id FROM runs")
        return {RunKey(TaskId(row["task_id"]), RunId(row["run_id"])) for row in found}

    async def empty(self) -> None:
        await self.house.database.fetch("DELETE FROM runs")
        await self.house.database.fetch("DELETE FROM transitions")


def _settings(dsn: str) -> Settings:
    values: dict[str, Any] = {
        "worker_group": "bridge",
        "taskcluster": {"root_url": "http://127.0.0.1:9", "client_id": "c", "access_token": "t"},
        "pulse": {"enabled": False},
        "database": {"dsn": dsn},
        "buildbots": {"main": {"url": "http://127.0.0.1:9", "token": "t"}},
        "pools": {"linux": {"task_queue": POOL, "buildbot": "main", "builders": ["*"]}},
    }
    return Settings(**values)


@pytest.fixture(scope="module")
async def ear(postgres: backend.Database) -> AsyncIterator[Ear]:
    dsn = await create_database(postgres.dsn(), "bridge_fuzz")
    try:
        await migrate.migrate(dsn)
        metrics = Metrics("fuzz", "0")
        async with assembly.opened(_settings(dsn), "fuzz", Telling(metrics), metrics.call) as house:
            await house.clock.ask(house.database)
            yield Ear(house, Listener(house, metrics))
    finally:
        await drop_database(postgres.dsn(), "bridge_fuzz")


deliveries = st.builds(
    Delivery,
    st.sampled_from((PENDING, PENDING, EXCEPTION, "", "exchange/x/y", "\0\ud800")) | texts,
    st.sampled_from(("primary.x.0.linux.0.proj-test.linux.s.g._", "", "\0", "\ud800", "k" * 5000)) | texts,
    bodies(MESSAGE),
    st.booleans(),
)


@fuzzed(90)
@given(batch=st.lists(deliveries, max_size=5), place=st.integers(0, 5))
async def test_a_batch_is_stored_whatever_is_among_it(ear: Ear, batch: list[Delivery], place: int) -> None:
    await ear.empty()
    letters = await ear.letters()
    await ear.listener.hear([*batch[:place], GOOD, *batch[place:]])
    rows = await ear.rows()
    assert RunKey(TaskId(GOOD_TASK), RunId(0)) in rows
    # A run that no delivery names has come from nowhere; the names are looked for in the bytes, not as the bridge does.
    for key in rows:
        assert any(key.task_id.encode() in each.body and each.exchange == PENDING for each in [*batch, GOOD])
    unbound = sum(each.exchange not in (PENDING, EXCEPTION) for each in batch)
    assert unbound <= await ear.letters() - letters <= len(batch)


@fuzzed(80)
@given(delivery=deliveries, words=texts)
async def test_a_delivery_that_breaks_its_handler_can_be_put_aside(ear: Ear, delivery: Delivery, words: str) -> None:
    letters = await ear.letters()
    await ear.listener.bury(delivery, ValueError(words))
    assert await ear.letters() == letters + 1
