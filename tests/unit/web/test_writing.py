"""Who may steer: nobody but who shows the write token in a header, and nobody at all unless the settings say so."""

from collections.abc import Mapping

import pytest
from multidict import CIMultiDict

from bridge.web.writing import Writing, closed

WRITE, OLD, READ = (
    "the token of operators, so long!!",
    "the former token of operators, so",
    "the token of readers, just as long",
)
OPEN = Writing(on=True, tokens=lambda: (WRITE, OLD), reading=lambda: (READ,))


def asked(headers: Mapping[str, str], rules: Writing = OPEN) -> int:
    """The status of the refusal; 0 for none."""
    no = rules.refusal(CIMultiDict(headers))
    return 0 if no is None else no.status


@pytest.mark.parametrize("given", [f"Bearer {WRITE}", f"bearer  {WRITE}", f"Bearer {OLD}"])
def test_whoever_shows_the_write_token_may_steer(given: str) -> None:
    assert asked({"Authorization": given}) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": WRITE},
        {"Authorization": f"Basic {WRITE}"},
        {"Authorization": f"Bearer {WRITE[:-1]}"},
        {"Authorization": "Bearer \udc80"},
        {"Cookie": f"token={WRITE}"},
        {"X-Forwarded-User": "alice", "X-Bridge-Proxy-Secret": WRITE},
    ],
)
def test_nothing_else_counts(headers: Mapping[str, str]) -> None:
    assert asked(headers) == 401


def test_a_readers_token_is_told_from_a_wrong_one() -> None:
    no = OPEN.refusal(CIMultiDict({"Authorization": f"Bearer {READ}"}))
    assert no is not None
    assert (no.status, no.error, no.message) == (403, "NotForReaders", "This token is good for reading only.")


def test_without_a_token_in_the_settings_nobody_steers() -> None:
    assert asked({"Authorization": f"Bearer {WRITE}"}, closed()) == 403
    assert asked({"Authorization": "Bearer "}, closed()) == 403


def test_a_file_that_became_empty_opens_nothing() -> None:
    assert asked({"Authorization": "Bearer "}, Writing(on=True)) == 401
