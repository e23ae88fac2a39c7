"""Reads JSON that came from outside field by field, and refuses what it does not expect by name.

The master's environment has no validation library, and must not get one by this plugin.
"""

from __future__ import annotations

import json
from typing import Final, cast

from bridge.master.refusal import BadRequest

MAX_DEPTH: Final = 50
INT32: Final = 2**31 - 1
"""Buildbot's integer columns have 32 bits in PostgreSQL."""


def parse(raw: bytes) -> object:
    """Give the JSON value in `raw`, an empty body counting as an empty object; raises BadRequest."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {str(error)[:200]}") from error
    _check_depth(value)
    return cast("object", value)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise BadRequest(f"the body is nested more than {MAX_DEPTH} levels deep")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def check_text(value: object, what: str, limit: int) -> str:
    """Give `value` if the database can hold it as text of at most `limit` characters; raises BadRequest."""
    if not isinstance(value, str):
        raise BadRequest(f"{what} must be a string")
    if len(value) > limit:
        raise BadRequest(f"{what} is longer than {limit} characters")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadRequest(f"{what} holds a character that no text may hold (NUL or half of a surrogate pair)")
    return value


def check_integer(value: object, what: str, low: int, high: int) -> int:
    """Give `value` if it is an integer between `low` and `high`, both included; raises BadRequest."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest(f"{what} must be an integer")
    if not low <= value <= high:
        raise BadRequest(f"{what} must be between {low} and {high}")
    return value


class Fields:
    """One JSON object: each field is taken by name and kind, and `done` refuses whatever is left over."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise BadRequest(f"{where} must be a JSON object")
        self._left: dict[str, object] = dict(value)
        self._where = where

    def take(self, name: str, default: object = None) -> object:
        return self._left.pop(name, default)

    def text(self, name: str, limit: int, default: str | None = None) -> str:
        value = self.take(name, default)
        if value is None:
            raise BadRequest(f"{self._where} lacks {name!r}")
        return check_text(value, f"{name!r} in {self._where}", limit)

    def optional_text(self, name: str, limit: int) -> str | None:
        value = self.take(name)
        return None if value is None else check_text(value, f"{name!r} in {self._where}", limit)

    def integer(self, name: str, default: int, *, low: int = 0, high: int = INT32) -> int:
        return check_integer(self.take(name, default), f"{name!r} in {self._where}", low, high)

    def flag(self, name: str) -> bool:
        value = self.take(name, default=False)
        if not isinstance(value, bool):
            raise BadRequest(f"{name!r} in {self._where} must be true or false")
        return value

    def items(self, name: str, default: list[object] | None = None) -> list[object]:
        value = self.take(name, default)
        if not isinstance(value, list):
            raise BadRequest(f"{name!r} in {self._where} must be a list")
        return value

    def done(self) -> None:
        if self._left:
            unknown = ", ".join(sorted(map(repr, self._left)))
            raise BadRequest(f"{self._where} has fields that are not known here: {unknown[:200]}")
