"""An address opens one log until it expires, and nothing else."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.run import RunId, RunKey, TaskId
from bridge.livelog.address import ExpiredAddressError, Grant, WrongAddressError, address, sign, verify

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
KEY, OTHER = "k" * 32, "o" * 32
RUN = RunKey(TaskId("fN1SbArXTPSVFNUvaOlinQ"), RunId(3))
GRANT = Grant(RUN, "main", 4711, "fN1SbArXTPSVFNUvaOlinQ/1")


def claims(**changes: object) -> dict[str, object]:
    plain = jwt.decode(sign(KEY, GRANT, LATER), options={"verify_signature": False})
    return {name: value for name, value in (plain | changes).items() if value is not None}


def test_what_was_granted_is_read() -> None:
    assert verify([KEY], RUN, sign(KEY, GRANT, LATER), NOW) == GRANT


def test_the_address_names_the_run() -> None:
    at = address("https://logs.example.org/x", KEY, GRANT, LATER)
    assert at == f"https://logs.example.org/x/live/fN1SbArXTPSVFNUvaOlinQ/3/{sign(KEY, GRANT, LATER)}"


@given(st.integers(-100, 100))
def test_it_expires_to_the_second_and_the_clocks_may_be_five_apart(seconds: int) -> None:
    now = LATER + timedelta(seconds=seconds)
    token = sign(KEY, GRANT, LATER)
    if seconds < 5:
        assert verify([KEY], RUN, token, now) == GRANT
    else:
        with pytest.raises(ExpiredAddressError):
            verify([KEY], RUN, token, now)


def test_keys_are_exchanged_by_having_two_for_a_while() -> None:
    token = sign(OTHER, GRANT, LATER)
    assert verify([KEY, OTHER], RUN, token, NOW) == GRANT
    with pytest.raises(WrongAddressError):
        verify([KEY], RUN, token, NOW)


@pytest.mark.parametrize("key", [RunKey(RUN.task_id, RunId(2)), RunKey(TaskId("A" * 22), RUN.run_id)])
def test_another_run_is_refused(key: RunKey) -> None:
    with pytest.raises(WrongAddressError, match="another run"):
        verify([KEY], key, sign(KEY, GRANT, LATER), NOW)


def test_an_expired_address_of_another_key_is_wrong_not_expired() -> None:
    with pytest.raises(WrongAddressError):
        verify([KEY], RUN, sign(OTHER, GRANT, NOW - timedelta(days=1)), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": "1"},
        {"exp": 1e12},
        {"aud": None},
        {"aud": "another"},
        {"aud": ["buildbot-bridge live log", "x"]},
        {"task": None},
        {"task": 1},
        {"run": "3"},
        {"build": "4711"},
        {"request": None},
        {"more": "x"},
    ],
)
def test_claims_of_another_form_are_refused_though_signed(changes: dict[str, object]) -> None:
    with pytest.raises(WrongAddressError):
        verify([KEY], RUN, jwt.encode(claims(**changes), KEY, algorithm="HS256"), NOW)


def test_no_other_algorithm_will_do() -> None:
    part = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in ({"alg": "none"}, claims())
    ]
    for token in (
        ".".join([*part, ""]),
        jwt.encode(claims(), KEY * 2, algorithm="HS512"),
        jwt.encode(claims(), None, "none"),
    ):
        with pytest.raises(WrongAddressError):
            verify([KEY, KEY * 2], RUN, token, NOW)


@given(st.text())
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(WrongAddressError, match=r"^This address"):
        verify([KEY], RUN, text, NOW)


@given(st.data())
def test_a_token_with_a_changed_letter_is_refused(data: st.DataObject) -> None:
    token = sign(KEY, GRANT, LATER)
    place = data.draw(st.integers(0, len(token) - 2))  # of the last letter some bits mean nothing
    letter = data.draw(st.sampled_from("abcXYZ019-_."))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(WrongAddressError):
            verify([KEY], RUN, changed, NOW)


def test_short_keys_are_not_used() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        sign("k" * 31, GRANT, LATER)
    with pytest.raises(ValueError, match="32 characters"):
        verify([KEY, "k" * 31], RUN, sign(KEY, GRANT, LATER), NOW)


def test_without_a_key_nothing_is_opened() -> None:
    with pytest.raises(WrongAddressError):
        verify([], RUN, sign(KEY, GRANT, LATER), NOW)
