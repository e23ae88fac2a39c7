"""Processes that serve one database must mean the same by it."""

import asyncio

import pytest

from bridge.core.deployment import Deployment
from bridge.store.database import Database
from bridge.store.replicas import MismatchError, Replica, others, served

LINUX = {"task_queue": "proj/linux", "buildbot": "main"}
MAC = {"task_queue": "proj/mac", "buildbot": "main"}
HERE = Deployment({"worker_group": "buildbot"}, {"linux": LINUX})
THERE = Deployment({"worker_group": "buildbot"}, {"linux": {**LINUX, "buildbot": "second"}})
MORE = Deployment({"worker_group": "buildbot"}, {"linux": LINUX, "mac": MAC})
ONE = Replica("reflector-1", "reflector", "1.0", HERE)
TWIN = Replica("reflector-2", "reflector", "1.0", HERE)
WIDER = Replica("reflector-3", "reflector", "1.0", MORE)
OTHER = Replica("listener-9", "taskcluster-listener", "1.1", THERE)


async def names(opened: Database) -> list[str]:
    return [row["name"] for row in await opened.fetch("SELECT name FROM replicas ORDER BY name")]


async def test_equals_start_beside_each_other(opened: Database) -> None:
    await ONE.register(opened)
    await TWIN.register(opened)
    assert await names(opened) == ["reflector-1", "reflector-2"]


async def test_another_identity_is_refused_in_words_that_help(opened: Database) -> None:
    await ONE.register(opened)
    with pytest.raises(MismatchError, match=r"reflector reflector-1 \(version 1.0\).*same settings") as refused:
        await OTHER.register(opened)
    assert "pools.linux.buildbot is second here and main there" in str(refused.value)
    assert await names(opened) == ["reflector-1"]


async def test_another_identity_may_start_when_the_first_has_ended(opened: Database) -> None:
    await ONE.register(opened)
    await ONE.gone(opened)
    await OTHER.register(opened)


async def test_another_identity_may_start_when_the_first_has_shown_no_sign_of_life(opened: Database) -> None:
    await ONE.register(opened)
    await opened.fetch("UPDATE replicas SET seen_at = now() - interval '3 minutes'")
    await OTHER.register(opened)
    await ONE.seen(opened)
    with pytest.raises(MismatchError):
        await TWIN.register(opened)


async def test_of_two_identities_that_start_at_once_one_is_refused(opened: Database) -> None:
    for _ in range(10):
        await opened.fetch("DELETE FROM replicas")
        ends = await asyncio.gather(ONE.register(opened), OTHER.register(opened), return_exceptions=True)
        assert [type(end) for end in ends if end] == [MismatchError]
        assert len(await names(opened)) == 1


async def test_a_process_that_comes_back_with_another_identity_is_not_in_its_own_way(opened: Database) -> None:
    """One machine, one name: its configuration was corrected and it was started again."""
    await ONE.register(opened)
    corrected = Replica(ONE.name, ONE.service, "2.0", THERE)
    await corrected.register(opened)
    row = (await opened.fetch("SELECT version, started_at = seen_at AS fresh FROM replicas"))[0]
    assert tuple(row) == ("2.0", True)
    assert await others(opened, "nobody") == [corrected]


async def test_signs_of_life_are_seen_and_very_old_ones_forgotten(opened: Database) -> None:
    await ONE.register(opened)
    await TWIN.register(opened)
    await opened.fetch("UPDATE replicas SET started_at = now() - interval '2 days', seen_at = now() - interval '25 hours'")
    await ONE.seen(opened)
    (row,) = await opened.fetch(
        "SELECT name, now() - seen_at < '1 minute' AS now, now() - started_at > '1 day' AS old FROM replicas"
    )
    assert tuple(row) == ("reflector-1", True, True)


async def test_one_that_serves_a_pool_more_starts_beside_the_others_and_may_end_again(opened: Database) -> None:
    """A pool is added while the services run, one after the other."""
    await ONE.register(opened)
    await WIDER.register(opened)
    await TWIN.register(opened)
    assert await served(opened, "reflector-1", HERE) == {"linux", "mac"}
    await WIDER.gone(opened)
    assert await served(opened, "reflector-1", HERE) == {"linux"}


async def test_a_pool_is_served_no_more_when_whoever_did_shows_no_life(opened: Database) -> None:
    await WIDER.register(opened)
    await opened.fetch("UPDATE replicas SET seen_at = now() - interval '3 minutes'")
    assert await served(opened, "reflector-1", HERE) == {"linux"}
