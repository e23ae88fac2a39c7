"""Continuation tokens: what is given out comes back as it was, and anything else is refused."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger import BEGINNING, END, Place
from bridge.status import tokens
from bridge.status.tokens import TokenError


@given(st.timedeltas(timedelta(0), END - BEGINNING), st.from_regex(r"\A[A-Za-z0-9_-]{22}\Z"), st.integers(-1, 999))
def test_a_place_comes_back_to_the_microsecond(age: timedelta, task: str, run: int) -> None:
    place = Place(BEGINNING + age, task, run)
    token = tokens.of_place(place)
    assert token is not None
    assert tokens.place(token) == place


@given(st.integers(0, (1 << 63) - 1))
def test_a_number_comes_back(number: int) -> None:
    assert tokens.number(tokens.of_number(number)) == number


def test_there_is_none_after_the_last_page() -> None:
    for found in (tokens.of_place(None), tokens.place(None), tokens.of_number(None), tokens.number(None)):
        assert found is None


@given(st.text(alphabet="ABCxyz019_-", min_size=1, max_size=60))
def test_whatever_else_is_sent_is_refused_or_a_place_that_can_be(text: str) -> None:
    for read in (tokens.place, tokens.number):
        try:
            found = read(text)
        except TokenError:
            continue
        assert found is not None


def token(parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "parts",
    [
        [-1, "t", 0],
        [(END - BEGINNING) // timedelta(microseconds=1) + 1, "t", 0],
        [0, "t\0", 0],
        [0, "t" * 65, 0],
        [0, "t", 1 << 31],
        [True, "t", 0],
        [0, "t"],
        {"at": 0},
        "x",
        [[[]]],
    ],
)
def test_a_token_that_no_page_gave_out_is_refused(parts: object) -> None:
    with pytest.raises(TokenError, match="take it from the page before"):
        tokens.place(token(parts))


@pytest.mark.parametrize("parts", [[-1], [1 << 63], [False], ["1"], [1, 2], []])
def test_a_number_that_no_page_gave_out_is_refused(parts: object) -> None:
    with pytest.raises(TokenError):
        tokens.number(token(parts))
