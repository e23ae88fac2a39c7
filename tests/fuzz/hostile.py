"""JSON as nobody expects it: any value at all, a good one spoiled in some places, and bytes that are hardly JSON."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Path = tuple[str | int, ...]

# Letters of all kinds, NUL and half surrogate pairs among them.
texts = st.text(st.characters(codec=None), max_size=12)
_ODD_TEXTS = (
    *("", "\0", "\ud800", "x" * 3000, "0", "null", "../..", "%00", "a\nb", "\u202e", "pending", "completed", "exception"),
    *("gN1SbArXTPSVFUUvaOlinQ", "gN1SbArXTPSVFUUvaOlinQ/0", "RQ6OGWNuRYCLxPGx9t3GZg/1"),  # well formed, of somebody else
    *("0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "2026-03-01T12:00:00", '{"expiry": NaN}'),
    *('{"expiry": 1e999}', '{"expiry": -1e300}'),
)
_ODD_NUMBERS = (0, -1, 1, 5, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e308, 1e-320)
_NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(_ODD_NUMBERS),
    st.sampled_from(_NO_NUMBERS),
    st.sampled_from(_ODD_TEXTS),
    st.integers(),
    texts,
)
anything: SearchStrategy[Any] = st.recursive(
    odd, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


def nested(depth: int) -> bytes:
    """A list in a list in a list, as JSON. Near a thousand a reader may manage what the next one cannot."""
    return b"[" * depth + b"]" * depth


def _places(value: Any, path: Path = ()) -> list[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for name, item in inner for place in _places(item, (*path, name))]


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def _instead(value: Any) -> SearchStrategy[Any]:
    """Mostly what still looks right: a number for a number, a text for a text."""
    match value:
        case bool() | None:
            return odd
        case int() | float():
            return st.sampled_from(_ODD_NUMBERS) | st.integers() | odd
        case str():
            return st.sampled_from(_ODD_TEXTS) | texts | odd
        case _:
            return anything


@st.composite
def spoiled(draw: DrawFn, good: Any, *, most: int = 3) -> Any:
    """The value with up to `most` places changed, left out, added to or doubled; none changed is possible too."""
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from(_places(value)))
        if not path:
            continue
        holder: Any = _at(value, path[:-1])
        name: Any = path[-1]
        match draw(st.sampled_from(("change", "change", "change", "drop", "add", "double"))):
            case "change":
                holder[name] = draw(_instead(holder[name]))
            case "drop":
                del holder[name]
            case "add" if isinstance(holder, dict):
                holder[draw(texts)] = draw(anything)
            case _ if isinstance(holder, list):
                holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(holder[name]))
    return value


def written(value: Any) -> bytes:
    """The value as a careless program writes it: NaN and half surrogate pairs included."""
    return json.dumps(value).encode()


_NO_JSON = (
    b"",
    b" ",
    b"null",
    b"[]",
    b"{}",
    b"\x00",
    b"\xff\xfe{\x00",
    b"\xef\xbb\xbf{}",
    b"<html><body>502 Bad Gateway</body></html>",
    b"[" * 100_000,
    b'{"a":' * 3000,
    b"9" * 10_000,
    b'"\\ud800"',
    nested(900),
    b'{"error": ' + nested(960) + b"}",
)


@st.composite
def bodies(draw: DrawFn, good: Any) -> bytes:
    """Bodies in which something is wrong, or nothing: spoiled JSON, JSON cut off or with bits turned, other bytes."""
    kind = draw(st.sampled_from(("spoiled",) * 12 + ("cut", "turned", "anything", "bytes", "odd")))
    if kind == "odd":
        return draw(st.sampled_from(_NO_JSON))
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    if kind == "anything":
        return written(draw(anything))
    raw = written(draw(spoiled(good)))
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    if kind == "cut":
        return raw[:at]
    return raw[:at] + draw(st.binary(min_size=1, max_size=2)) + raw[at + 1 :] if kind == "turned" else raw
