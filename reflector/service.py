"""The reflector as a service: its sweeps, each in a loop of its own."""

from __future__ import annotations

from functools import partial

from bridge.assembly import House
from bridge.keeping import kept
from bridge.service import Frame, Loops
from bridge.settings import Settings
from reflector.sweep import Reflector

_RETIRE_EVERY = 3600.0


async def run(frame: Frame, settings: Settings) -> None:
    """Sweep until cancelled."""
    async with kept(frame, settings, foreign=True) as (house, loops):
        reflect(house, loops)


def reflect(house: House, loops: Loops) -> None:
    """Start a loop for each sweep."""
    periods = house.settings.reflector
    reflector = Reflector(house, keeps=not loops.frame.dry)
    for name, period, sweep in (
        ("pending", periods.interval, reflector.pending),
        ("statuses", periods.interval, reflector.statuses),
        ("states", periods.states_interval, reflector.states),
        ("strangers", periods.strangers_interval, reflector.strangers),
        ("retire", _RETIRE_EVERY, reflector.retire),
    ):
        loops.start(name, partial(reflector.every, name, period, sweep), silence=45)
