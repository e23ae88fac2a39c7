"""One spelling for a JSON value, so that hashes of it agree: that of RFC 8785, but that integers keep all their digits."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

_FIXED: Final = (1e-6, 1e21)
"""From where up to where numbers are written without an exponent, as in JavaScript."""


def canonical(value: Any) -> bytes:
    """The value as UTF-8: no white space, keys in the order of their UTF-16. Raises ValueError for what is no JSON."""
    return "".join(_parts(value)).encode("utf-8", "surrogatepass")


class _Written(str):
    """Text of the result, not a value."""

    __slots__ = ()


def _parts(value: Any) -> Iterator[str]:
    """The pieces of the text, without recursion: a definition may be nested as deep as anybody likes."""
    left = [value]
    while left:
        match left.pop():
            case _Written() as text:
                yield text
            case dict() as named:
                yield "{"
                left += [_Written("}"), *reversed(_members(named))]
            case list() as items:
                yield "["
                left += [_Written("]"), *reversed(_items(items))]
            case float() as number:
                yield _number(number)
            case other:
                yield json.dumps(other, ensure_ascii=False)


def _members(named: Mapping[str, Any]) -> list[Any]:
    names = sorted(named, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    written = [_Written("," * (index > 0) + json.dumps(name, ensure_ascii=False) + ":") for index, name in enumerate(names)]
    return [part for name, text in zip(names, written, strict=True) for part in (text, named[name])]


def _items(items: Sequence[Any]) -> list[Any]:
    return [part for index, item in enumerate(items) for part in (_Written("," * (index > 0)), item)]


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON")
    if value == 0:
        return "0"
    if _FIXED[0] <= abs(value) < _FIXED[1]:
        fixed = f"{Decimal(repr(value)):f}"
        return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
