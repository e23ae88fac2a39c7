"""Who may read: nobody without a token or a trusted proxy, except on a machine's own loopback."""

import ipaddress
from collections.abc import Mapping

import pytest
from multidict import CIMultiDict

from bridge.web.access import Access
from bridge.web.refusal import Refusal

TOKEN, OLD, PROOF = (
    "a token of thirty-two characters!",
    "the former token, as long as this",
    "what the proxy shows, and so long",
)
LOCAL = Access(guarded=False, tokens=tuple)
TOKENS = Access(guarded=True, tokens=lambda: (TOKEN, OLD))
NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def asked(access: Access, headers: Mapping[str, str], peer: str | None = "127.0.0.1") -> int:
    """The status of the refusal; 0 for none."""
    no = access.refusal(CIMultiDict({"Host": "127.0.0.1:8085", **headers}), peer)
    return 0 if no is None else no.status


@pytest.mark.parametrize("host", ["127.0.0.1:8085", "localhost:1", "LOCALHOST", "[::1]:8085", "[::1]"])
def test_on_the_loopback_anybody_of_the_machine_may_read(host: str) -> None:
    assert asked(LOCAL, {"Host": host}) == 0


@pytest.mark.parametrize("host", ["evil.example.org", "evil.example.org:8085", "127.0.0.1.evil.org", "", "localhost.:80"])
def test_but_no_page_of_elsewhere_whose_name_leads_here(host: str) -> None:
    assert asked(LOCAL, {"Host": host}) == 403


def test_names_can_be_allowed() -> None:
    access = Access(guarded=False, tokens=tuple, hosts=("Bridge.example.org",))
    assert asked(access, {"Host": "bridge.example.org:443"}) == 0
    assert asked(access, {"Host": "evil.example.org"}) == 403
    guarded = Access(guarded=True, tokens=lambda: (TOKEN,), hosts=("bridge.example.org",))
    assert asked(guarded, {"Host": "evil.example.org", "Authorization": f"Bearer {TOKEN}"}) == 403


@pytest.mark.parametrize("given", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN}", f"Bearer {OLD}"])
def test_whoever_shows_a_token_may_read(given: str) -> None:
    assert asked(TOKENS, {"Authorization": given, "Host": "anything.example.org"}) == 0


@pytest.mark.parametrize(
    "given",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        "Bearer ünïcode",
        "Bearer \udc80",
    ],
)
def test_nobody_else_may(given: str) -> None:
    assert asked(TOKENS, {"Authorization": given}) == 401


def test_a_refusal_says_what_to_send() -> None:
    no = TOKENS.refusal(CIMultiDict({"Host": "x"}), None)
    assert isinstance(no, Refusal)
    assert no.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in no.mend


def test_without_a_good_token_nobody_may_read() -> None:
    """A file that was emptied, or holds too short a token, opens nothing: not even for who sends nothing."""
    shut = Access(guarded=True, tokens=tuple)
    assert asked(shut, {"Authorization": "Bearer "}) == 401
    assert asked(shut, {}) == 401


USER = {"X-Forwarded-User": "operator"}
PROXY = {**USER, "X-Bridge-Proxy-Secret": PROOF}
BY_PROOF = Access(True, tuple, "X-Forwarded-User", lambda: (PROOF,), proving=True)
BY_ADDRESS = Access(True, tuple, "X-Forwarded-User", networks=NETWORKS)
BY_BOTH = Access(True, tuple, "X-Forwarded-User", lambda: (PROOF,), proving=True, networks=NETWORKS)


@pytest.mark.parametrize(
    ("access", "headers", "peer", "status"),
    [
        (BY_PROOF, PROXY, "192.0.2.1", 0),
        (BY_PROOF, USER, "192.0.2.1", 401),
        (BY_PROOF, {**PROXY, "X-Forwarded-User": ""}, "192.0.2.1", 401),
        (BY_PROOF, {**PROXY, "X-Bridge-Proxy-Secret": PROOF[:-1]}, "192.0.2.1", 401),
        (BY_ADDRESS, USER, "10.1.2.3", 0),
        (BY_ADDRESS, {"x-forwarded-user": "operator"}, "10.1.2.3", 0),
        (BY_ADDRESS, USER, "::ffff:10.1.2.3", 0),
        (BY_ADDRESS, USER, "fd12::1", 0),
        (BY_ADDRESS, USER, "192.0.2.1", 401),
        (BY_ADDRESS, {}, "10.1.2.3", 401),
        (BY_ADDRESS, USER, None, 401),
        (BY_BOTH, PROXY, "10.1.2.3", 0),
        (BY_BOTH, PROXY, "192.0.2.1", 401),
        (BY_BOTH, USER, "10.1.2.3", 401),
        (TOKENS, PROXY, "10.1.2.3", 401),
        (
            Access(True, tuple, "X-Forwarded-User", tuple, proving=True),
            {**USER, "X-Bridge-Proxy-Secret": ""},
            "10.1.2.3",
            401,
        ),
        (Access(True, tuple, "X-Forwarded-User"), USER, "10.1.2.3", 401),
    ],
)
def test_a_proxys_word_counts_only_with_what_proves_it(
    access: Access, headers: Mapping[str, str], peer: str | None, status: int
) -> None:
    assert asked(access, headers, peer) == status
