"""Values have one spelling, whatever the order of their keys was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bridge.taskcluster.canonical import canonical

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        ({"€": 0, "\r": 1, "\ufb33": 2, "1": 3, "😀": 4, "ö": 6}, '{"\\r":1,"1":3,"ö":6,"€":0,"😀":4,"\ufb33":2}'),
        (["\x00\x1f\b\t\n\f\r/\x7f é"], '["\\u0000\\u001f\\b\\t\\n\\f\\r/\x7f é"]'),
        ([2**63, -(2**70)], "[9223372036854775808,-1180591620717411303424]"),
        ({}, "{}"),
        ([[]], "[[]]"),
    ],
)
def test_spellings(value: Any, expected: str) -> None:
    assert canonical(value).decode() == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [  # as RFC 8785 has them in its appendix B, and at the ends of the range without exponent
        (0.0, "0"), (-0.0, "0"), (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"), (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"), (1e23, "1e+23"), (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"), (0.000001, "0.000001"), (9.999999999999997e-7, "9.999999999999997e-7"),
        (333333333.33333329, "333333333.3333333"), (-3.5, "-3.5"), (1e-7, "1e-7"), (123.0, "123"), (0.1, "0.1"),
    ],
)  # fmt: skip
def test_numbers(number: float, expected: str) -> None:
    assert canonical(number).decode() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is no JSON"):
        canonical(value)


def test_depth_is_no_matter() -> None:
    value: Any = 1
    for _ in range(50_000):
        value = {"a": [value]}
    assert len(canonical(value)) == 50_000 * len('{"a":[]}') + 1


@given(VALUES)
def test_the_order_of_keys_does_not_count_and_nothing_is_lost(value: Any) -> None:
    def turned(part: Any) -> Any:
        match part:
            case dict():
                return {name: turned(part[name]) for name in reversed(list(part))}
            case list():
                return [turned(item) for item in part]
            case _:
                return part

    assert canonical(turned(value)) == canonical(value)
    doubles = {"parse_int": float}  # as in JavaScript
    assert json.loads(canonical(value), **doubles) == json.loads(json.dumps(value), **doubles)
