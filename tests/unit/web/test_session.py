"""What a browser keeps of somebody who signed in: for whom it is good, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict

from bridge.web.access import Access
from bridge.web.session import COOKIE, LASTS, Sessions

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TOKEN, OLD = "a-token-of-thirty-two-characters!", "the-former-token-as-long-as-this"


def at(now: datetime, *tokens: str) -> Sessions:
    return Sessions(lambda: tokens, lambda: now)


def test_who_shows_a_token_has_a_session_until_its_time_is_over() -> None:
    kept = at(NOW, TOKEN).begun(TOKEN)
    assert kept is not None
    assert at(NOW + LASTS - timedelta(seconds=1), TOKEN).lasts(kept)
    assert not at(NOW + LASTS, TOKEN).lasts(kept)


def test_a_session_ends_with_its_token_and_other_processes_agree() -> None:
    kept = at(NOW, TOKEN, OLD).begun(OLD)
    assert kept is not None
    assert at(NOW, TOKEN, OLD).lasts(kept)
    assert at(NOW, OLD).lasts(kept)
    assert not at(NOW, TOKEN).lasts(kept)
    assert not at(NOW).lasts(kept)


@pytest.mark.parametrize("shown", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", "ünïcode", "\udc80"])
def test_nobody_else_has_one(shown: str) -> None:
    assert at(NOW, TOKEN).begun(shown) is None
    assert at(NOW).begun(shown) is None


def test_what_was_not_given_out_is_good_for_nothing() -> None:
    good = at(NOW, TOKEN).begun(TOKEN) or ""
    ends, _, signature = good.partition(".")
    for made in (
        "",
        ".",
        ends,
        f"{ends}.",
        f"{int(ends) + 1}.{signature}",
        f"٣{ends}.{signature}",
        f"{good}0",
        TOKEN,
        f"{'9' * 40}.{signature}",
    ):
        assert not at(NOW, TOKEN).lasts(made), made


def test_a_session_opens_reading_where_a_token_does() -> None:
    sessions = at(NOW, TOKEN)
    access = Access(guarded=True, tokens=lambda: (TOKEN,), signed_in=sessions.lasts)
    for cookie, status in {f"{COOKIE}={sessions.begun(TOKEN)}": None, f"{COOKIE}=x": 401, "": 401}.items():
        no = access.refusal(CIMultiDict({"Host": "x", "Cookie": cookie}), None)
        assert (no.status if no else None) == status
