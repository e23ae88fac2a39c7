"""No verdict is lost for what goes with it: however the reading and storing of it fails, the run is reported in the end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bridge.core.record import BuildRecord
from bridge.core.request import RequestState
from bridge.core.run import Run
from bridge.engine.ports import Redact
from bridge.published.publisher import Publisher
from bridge.published.redaction import Redactor
from tests.integration.engine.house import House
from tests.integration.engine.proxy import Proxy

LOG, BACKING, PROPERTIES = "public/logs/live.log", "public/logs/live_backing.log", "public/properties.json"
PAGE, FACTS = "public/buildbot/build", "public/buildbot/build.json"
EVER = 1_000_000
ONE = "mkdir out; printf one > out/one.txt"


@pytest.fixture
async def proxy(house: House) -> AsyncIterator[Proxy]:
    async with Proxy(house.buildbot.url, house.http) as proxy:
        yield proxy


async def hasty(house: House, proxy: Proxy, optional: float = 1, mandatory: float = 3) -> None:
    limits = {"upload_limit": timedelta(seconds=optional), "mandatory_limit": timedelta(seconds=mandatory)}
    await house.restart("hasty", plugin_url=proxy.url, **limits)


async def test_a_plugin_that_is_older_gives_no_log_and_holds_nothing_up(house: House, proxy: Proxy) -> None:
    # README 7: the services are upgraded before the plugins
    await house.restart("newer", plugin_url=proxy.url)
    for path in ("/steps", "/outputs"):
        proxy.spoil("*", "older", effect=False, count=EVER, path=path)
    task = await house.create("success")
    await house.until(task, "completed", within=20)
    await house.settled(task)
    assert set(await house.artifacts(task)) == {LOG, BACKING, PROPERTIES, PAGE}
    log = await house.text(task, 0, LOG)
    assert "the plugin is older than this bridge" in log
    assert not house.told.alarms


async def test_a_buildbot_that_does_not_tell_of_files_costs_a_success_in_the_end(house: House, proxy: Proxy) -> None:
    # S9: what the task must carry is stored before a success is told; nobody knows that there is nothing
    await hasty(house, proxy)
    house.allowed[0] = {"resource-unavailable"}
    proxy.spoil("GET", "html", effect=False, count=EVER, path="/outputs")
    task = await house.create("giving", properties={"script": ONE})
    run = await house.until(task, "exception", within=60)
    assert run["reasonResolved"] == "resource-unavailable"
    log = await house.text(task, 0, BACKING)
    assert "could not be read" in log
    assert "one.txt" in log or "taskcluster-artifact" in log


async def test_a_failure_is_told_though_buildbot_does_not_tell_of_files(house: House, proxy: Proxy) -> None:
    await hasty(house, proxy)
    proxy.spoil("GET", "html", effect=False, count=EVER, path="/outputs")
    task = await house.create("failure")
    await house.until(task, "failed", within=60)


@pytest.mark.parametrize(("path", "lacking"), [("/steps", {FACTS}), ("/properties", {FACTS, PROPERTIES})])
async def test_what_buildbot_does_not_tell_is_given_up(house: House, proxy: Proxy, path: str, lacking: set[str]) -> None:
    # without the build's properties nobody knows which secrets are in its log
    await hasty(house, proxy)
    proxy.spoil("GET", "html", effect=False, count=EVER, path=path)
    task = await house.create("giving", properties={"script": f"echo shown-here; {ONE}"})
    await house.until(task, "completed", within=60)
    await house.settled(task)
    assert set(await house.artifacts(task)) == {LOG, BACKING, PROPERTIES, PAGE, FACTS, "public/build/one.txt"} - lacking
    log = await house.text(task, 0, LOG)
    assert "could not be read" in log
    assert "shown-here" not in log


async def test_a_log_that_breaks_off_in_buildbot_is_cut_there(house: House, proxy: Proxy) -> None:
    await hasty(house, proxy)
    task = await house.create("giving", properties={"script": f"echo shown-here; {ONE}"})
    await house.until_phase(task, "Queued")
    await house.wait_for_buildbot(task)
    (build,) = await house.builds(task)
    for step in (await house.buildbot.rest(f"builds/{build['buildid']}/steps"))["steps"]:
        for log in (await house.buildbot.rest(f"steps/{step['stepid']}/logs"))["logs"]:
            proxy.spoil("GET", "html", effect=False, count=EVER, path=f"/logs/{log['logid']}")
    await house.until(task, "completed", within=60)
    log = await house.text(task, 0, BACKING)
    assert "The rest of the log could not be read" in log
    assert log.endswith("The task is completed: the build succeeded.\n")


class Broken(Publisher):
    """One whose facts meet something that nobody thought of."""

    def facts(self, run: Run, state: RequestState, record: BuildRecord, page: str | None, redact: Redact) -> bytes:
        raise ZeroDivisionError("an odd build")


async def test_a_build_that_is_too_odd_for_a_document_is_reported_without_it(house: House) -> None:
    # S10
    await house.restart("surprised", published=Broken(Redactor(tuple), "test"), upload_limit=timedelta(seconds=1))
    task = await house.create("success")
    await house.until(task, "completed", within=60)
    assert set(await house.artifacts(task)) == {LOG, BACKING, PROPERTIES, PAGE}
    assert "build.json is not among the artifacts" in await house.text(task, 0, LOG)
    assert {type(defect) for defect in house.told.defects} == {ZeroDivisionError}
    house.told.defects.clear()


async def test_a_claim_is_renewed_while_a_slow_store_takes_a_file(house: House) -> None:
    # L4: the upload takes about four claims
    await house.control("POST", "periods", {"claimSeconds": 3})
    await house.control("POST", "store", {"bytesPerSecond": 150_000})
    task = await house.create("giving", properties={"script": "mkdir out; head -c 1800000 /dev/urandom > out/large.bin"})
    await house.until(task, "completed", within=60)
    assert len((await house.status(task))["runs"]) == 1
    assert len(await house.calls(task, "queue.reclaimTask")) >= 3


async def test_a_run_without_a_turn_to_upload_leaves_its_hands_to_others(house: House) -> None:
    # else many slow uploads would keep all who could renew claims
    house.engine.memory.turns = asyncio.Semaphore(1)
    await house.engine.memory.turns.acquire()
    task = await house.create("success")
    await house.until_phase(task, "Reporting")
    for _ in range(3):
        await house.turn()  # ends: nobody is busy with it
    assert (await house.status(task))["state"] == "running"
    assert not await house.artifacts(task)
    house.engine.memory.turns.release()
    await house.until(task, "completed")
