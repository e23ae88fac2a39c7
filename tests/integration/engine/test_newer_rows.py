"""Rows in a phase that only a newer version knows: their tasks are left to it, and nobody else has to wait for that (16.3)."""

from bridge.core.run import RunId, RunKey
from tests.integration.engine.house import House

ALLOW = "ALTER TABLE runs DROP CONSTRAINT phase_known, DROP CONSTRAINT queued_by_phase"
PAUSE = (
    "UPDATE runs SET phase = 'pondering', version = version + 1, due_at = now() WHERE task_id = $1 RETURNING phase, version"
)
READ = "SELECT phase, version FROM runs WHERE task_id = $1"


async def test_a_task_with_a_row_of_a_newer_version_is_left_to_it_by_every_sweep(house: House) -> None:
    """Its request is held by a row that cannot be read, and its task is cancelled: that is no stranger, and no defect."""
    newer, lost = await house.create("parked"), await house.create("parked")
    for task in (newer, lost):
        await house.until_phase(task, "Queued")
    await house.sql(ALLOW)
    before = await house.sql(PAUSE, newer)
    await house.sql("DELETE FROM runs WHERE task_id = $1", lost)
    await house.admin.cancelTask(newer)
    await house.one.crew.wake(await house.sweeps.hinted([RunKey(newer, RunId(0))]))
    await house.turn()
    await house.one.crew.wake(await house.one.strangers.sweep([house.pool]))
    await house.one.crew.idle()
    assert await house.phase(lost) == "Queued"  # the sweep went on to what is its business
    assert await house.sql(READ, newer) == before
    assert not (await house.request(newer))["complete"]
    assert house.told.defects == []
    await house.sql("UPDATE runs SET phase = 'queued' WHERE task_id = $1", newer)
    await house.settled(newer)
    await house.admin.cancelTask(lost)
    await house.settled(lost)


async def test_a_run_whose_predecessor_is_in_a_newer_phase_waits_for_the_newer_version(house: House) -> None:
    """Nothing is requested for it: which request is whose, only the other version knows."""
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await house.sql(ALLOW)
    await house.sql(PAUSE, task)
    await house.admin.cancelTask(task)
    await house.admin.rerunTask(task)
    for _ in range(3):
        await house.turn()
    assert list(await house.rows(task)) == [1]
    assert await house.requests(task) == [f"{task}/0"]
    assert house.told.defects == []
    await house.sql("UPDATE runs SET phase = 'queued' WHERE run_id = 0 AND task_id = $1", task)
    await house.until_phase(task, "Queued", run=1)
    await house.admin.cancelTask(task)
    await house.settled(task)
