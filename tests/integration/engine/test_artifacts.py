"""What a finished run carries, and what happens when it cannot be stored."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from tests.integration.engine.house import House

LOG, BACKING, PROPERTIES = "public/logs/live.log", "public/logs/live_backing.log", "public/properties.json"
PAGE, FACTS = "public/buildbot/build", "public/buildbot/build.json"
ALL = {LOG, BACKING, PROPERTIES, PAGE, FACTS}


@pytest.mark.parametrize("forgetful", [False, True])
async def test_artifacts_expire_with_their_task_and_repeats_change_nothing(house: House, forgetful: bool) -> None:
    # the first report cannot be made; another process, which does not know what is there, attaches everything again
    task = await house.create("echo", properties={"word": "w"})
    fault = await house.fault("queue.reportCompleted", taskId=task, count=1)
    while not await house.hits(fault["id"]):
        await house.turn()
    if forgetful:
        house.engine.memory.attached.clear()
        house.engine.memory.stored.clear()
    await house.settled(task)
    expires = datetime.fromisoformat((await house.status(task))["expires"])
    found = await house.artifacts(task)
    assert set(found) == ALL
    assert {datetime.fromisoformat(each["expires"]) for each in found.values()} == {expires}
    assert json.loads(await house.text(task, 0, PROPERTIES))["echo"] == ["w", "SetProperty"]
    assert len(await house.calls(task, "queue.createArtifact")) == (10 if forgetful else 5)


async def test_a_build_without_a_step_log_still_has_a_log(house: House) -> None:
    #
    task = await house.create("condition-false")
    await house.settled(task)
    log = await house.text(task, 0, LOG)
    assert f"Taskcluster task {task}, run 0" in log
    assert "Result SKIPPED" in log


async def test_a_request_that_was_never_built_points_to_no_page(house: House) -> None:
    #
    task = await house.create("collapsing")
    await house.until_phase(task, "Queued")
    person = await house.force("collapsing")
    await house.until(task, "exception")
    await house.settled(task)
    assert PAGE not in await house.artifacts(task)
    assert "No build was started." in await house.text(task, 0, LOG)
    await house.buildbot.control(f"buildrequests/{person}", "cancel", reason="the test is over")


async def test_while_the_store_is_down_the_claim_is_kept_and_then_the_verdict_told_without_them(house: House) -> None:
    # the limit of ten minutes is six seconds here, twice the claim
    await house.control("POST", "periods", {"claimSeconds": 3})
    await house.restart("impatient", upload_limit=timedelta(seconds=6))
    await house.control("POST", "store", {"down": True})
    task = await house.create("success")
    await house.until_phase(task, "Reporting")
    run = await house.until(task, "completed", within=60)
    assert run["reasonResolved"] == "completed"
    assert any(what == "artifacts_given_up" for what, _ in house.told.alarms)
    await house.settled(task)
    assert len((await house.status(task))["runs"]) == 1


async def test_a_store_that_comes_back_gets_what_it_missed(house: House) -> None:
    #
    await house.control("POST", "store", {"down": True})
    task = await house.create("success")
    await house.until_phase(task, "Reporting")
    for _ in range(10):
        await house.turn()
        await asyncio.sleep(0.1)
    assert (await house.status(task))["state"] == "running"
    await house.control("POST", "store", {"down": False})
    await house.until(task, "completed")
    await house.settled(task)
    assert set(await house.artifacts(task)) == ALL
    assert "The task is completed" in await house.text(task, 0, LOG)


async def test_an_artifact_made_with_other_arguments_holds_nothing_up(house: House) -> None:
    # somebody with the task's scopes made one of the same name
    task = await house.create("sleep", properties={"seconds": 3})
    await house.until(task, "running")
    await house.admin.createArtifact(
        task, "0", LOG, {"storageType": "reference", "url": "https://example.com/", "contentType": "text/html",
                         "expires": (await house.status(task))["expires"]},
    )  # fmt: skip
    await house.until(task, "completed", within=30)
    await house.settled(task)
    logs = [name for name in await house.artifacts(task) if "log" in name]
    assert sorted(logs) == ["public/logs/live-2.log", LOG, BACKING]  # theirs, and ours beside it
