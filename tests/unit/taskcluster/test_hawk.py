"""Headers are those of the library that the client signs with, character by character."""

import mohawk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.taskcluster.hawk import Signer

KEY = "a-key-that-nobody-has"
WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=40)
URLS = st.sampled_from(
    [
        "https://tc.example.com/api/queue/v1/task/EphH_6vxS1KeAMtr0XMqKA/status",
        "http://127.0.0.1:4711/api/queue/v1/task/a/runs/0/artifacts/public%2Flogs%2Flive.log",
        "https://tc.example.com:8443/api/queue/v1/task-queues/p%2Fq/pending?limit=1000&continuationToken=a%2Bb",
        "http://tc.example.com",
    ]
)


@given(WORDS, st.sampled_from(["get", "post", "PUT"]), URLS, st.none() | st.text(max_size=200), WORDS | st.just(""))
def test_a_header_is_the_librarys_own(client: str, method: str, url: str, body: str | None, ext: str) -> None:
    theirs = mohawk.Sender(
        {"id": client, "key": KEY, "algorithm": "sha256"},
        url,
        method,
        content=body or "",
        content_type="application/json" if body else "",
        ext=ext or None,
        nonce="abcdef",
        _timestamp=1_700_000_000,
    )
    ours = Signer(client, KEY.encode(), ext).header(method, url, body, 1_700_000_000, "abcdef")
    assert ours == theirs.request_header


@pytest.mark.parametrize("client", ['a"b', "a\\b", "a\nb", "ä"])
def test_what_no_header_can_carry_is_refused_and_not_told(client: str) -> None:
    with pytest.raises(ValueError, match="this id") as refused:
        Signer(client, KEY.encode()).header("get", "https://tc.example.com/", None, 1, "n")
    assert client not in str(refused.value)


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(Signer("client", KEY.encode()))
