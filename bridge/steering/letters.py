"""Messages that could not be read, for who decides what becomes of them."""

from __future__ import annotations

from typing import Any

from bridge.core.admission import shown
from bridge.store.database import Database
from bridge.store.people import DeadLetter, People


async def listed(database: Database) -> tuple[list[dict[str, Any]], str]:
    """The newest of them, for programs and for people."""
    found = await People(database).dead_letters()
    lines = [
        f"{each.id}  {each.at:%Y-%m-%d %H:%M:%S}  {each.exchange}: {each.reason}\n    {_start(each)}\n" for each in found
    ]
    return [_data(each) for each in found], "".join(lines) or "there are none\n"


def _data(letter: DeadLetter) -> dict[str, Any]:
    kept = ("id", "at", "exchange", "routing_key", "reason", "size")
    return {**{name: getattr(letter, name) for name in kept}, "sha256": letter.sha256.hex(), "start": _start(letter)}


def _start(letter: DeadLetter) -> str:
    return shown(letter.body.decode("utf-8", "replace"), 160)
