"""The database goes away at the worst moment: after the outside was told, before that is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.core import faults
from bridge.core.run import Run, RunId
from bridge.engine.sweeps import Sweeps
from bridge.store.runs import Runs
from tests.integration.engine.house import House

REPORT = "queue.reportException"


@dataclass
class Losing:
    """The store, whose server goes away with the first report and stays so until `back`."""

    runs: Runs
    house: House
    back: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.runs, name)

    async def change(self, *args: Any, **more: Any) -> Mapping[RunId, Run]:
        if not self.back and await self.house.calls(api=REPORT):
            raise faults.Unavailable("PostgreSQL: the server is gone")
        return await self.runs.change(*args, **more)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_report_that_could_not_be_stored_is_read_and_not_made_again(house: House, answered: bool) -> None:
    # A repeated reportException can free dependents of the task too early.
    if not answered:
        await house.fault(REPORT, status=500, effect=True)
    losing = Losing(house.one.runs, house)
    engine = replace(house.engine, runs=losing)
    house.one.crew.engine = engine
    house.one = replace(house.one, engine=engine, sweeps=Sweeps(engine))
    house.replicas[:] = [house.one]
    task = await house.create("retry-once")
    while not await house.calls(api=REPORT):
        await house.turn()
    for _ in range(5):
        await house.turn()
    losing.back = True
    await house.until(task, "completed", run=1)
    await house.settled(task)
    assert len(await house.calls(task, REPORT)) == 1
    assert await house.requests(task) == [f"{task}/0"]
