"""Looks that find nothing are lived without the payer: that changes no history, whatever strikes whom and when."""

import pytest

from tests.simulation.__main__ import digest
from tests.simulation.catalogue import replayed
from tests.simulation.services import Coverage
from tests.simulation.world import Result

# Between them: a look that a fault strikes, one that finds something, rows that change while one is on its way, a process
# that dies or stands still in the middle of one, a database that is away, fails over or is dropped.
NAMES = (
    "plain/every priority",
    "single/request erased/240/database_dropped",
    "pair/database away past a claim/11/crash_before/273/crash_after",
    "random/1/48",
    "random/1/111",
    "random/1/221",
    "random/1/510",
    "random/23/4475",
)


def _lived(name: str, *, traced: bool) -> Result:
    """A schedule whose calls are traced goes without: each call is made by whoever makes it."""
    world = replayed(name).world(Coverage())
    world.fabric.trace = [] if traced else None
    return world.run()


@pytest.mark.parametrize("name", NAMES)
def test_a_history_is_the_same_whether_idle_looks_are_made_by_the_payer_or_not(name: str) -> None:
    made, spared = _lived(name, traced=True), _lived(name, traced=False)
    assert digest(spared.history) == digest(made.history)
    assert (spared.seconds, spared.calls, spared.faults) == (made.seconds, made.calls, made.faults)
    assert (made.idle, spared.idle * 5 > spared.calls) == (0, True)
