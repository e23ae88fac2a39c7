"""Continuation tokens: where the next page begins. Opaque to those who carry them, and nothing to trust."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import timedelta

from bridge.core.ledger import BEGINNING, END, Place

_MICROSECOND = timedelta(microseconds=1)
_TASK = re.compile(r"[A-Za-z0-9_-]{0,64}")
_MOST = (END - BEGINNING) // _MICROSECOND


class TokenError(ValueError):
    """The continuation token is none that was given out."""

    def __init__(self) -> None:
        super().__init__("the continuationToken is none of this list's: take it from the page before, unchanged")


def of_place(place: Place | None) -> str | None:
    """The token of a place in a list of runs."""
    if place is None:
        return None
    return _token([(place.created_at - BEGINNING) // _MICROSECOND, place.task_id, place.run_id])


def place(token: str | None) -> Place | None:
    """The place that a token stands for; raises `TokenError`."""
    match None if token is None else _parts(token):
        case None:
            return None
        case [int(at), str(task), int(run)] if 0 <= at <= _MOST and _TASK.fullmatch(task) and -1 <= run < 1 << 31:
            return Place(BEGINNING + at * _MICROSECOND, task, run)
        case _:
            raise TokenError


def of_number(number: int | None) -> str | None:
    """The token of a number in a list by number."""
    return None if number is None else _token([number])


def number(token: str | None) -> int | None:
    """The number that a token stands for; raises `TokenError`."""
    match None if token is None else _parts(token):
        case None:
            return None
        case [int(found)] if 0 <= found < 1 << 63:
            return found
        case _:
            raise TokenError


def _token(parts: list[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _parts(token: str) -> list[object]:
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise TokenError from None
    if not isinstance(found, list) or any(isinstance(part, bool) for part in found):
        raise TokenError
    return found
