"""Who may read. Pure: headers and the caller's address in, a refusal or nothing out."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.web.refusal import Refusal
from bridge.web.session import COOKIE

PROOF: Final = "X-Bridge-Proxy-Secret"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Access:
    """The rules. Secrets come as functions: files of them are exchanged while the process runs.

    `guarded`: readers must show a token, or come through the proxy. `proxy_header` names the user there; it counts only
    with one of `proofs`, and from one of `networks`, as far as there are such rules. `signed_in`: whether what a browser
    keeps is good; it opens reading only.
    """

    guarded: bool
    tokens: Callable[[], Sequence[str]]
    proxy_header: str | None = None
    proofs: Callable[[], Sequence[str]] = tuple
    proving: bool = False
    networks: Sequence[Network] = ()
    hosts: Sequence[str] = ()
    signed_in: Callable[[str], bool] = lambda _kept: False

    def refusal(self, headers: Mapping[str, str], peer: str | None) -> Refusal | None:
        """Why the caller may not read; None for one who may. Names of headers count whatever their capitals are."""
        if not self._named_rightly(headers.get("Host", "")):
            return Refusal(
                403,
                "WrongHost",
                "This name is not one under which the status may be asked.",
                "Add it to status.allowed_hosts.",
            )
        if not self.guarded or self._shows_token(headers) or self._through_proxy(headers, peer) or self.has_session(headers):
            return None
        return Refusal(
            401,
            "NotAuthorized",
            "The status is shown to those who have its token.",
            "Send the header Authorization: Bearer <token>, with the token of status.read_token.",
            {"WWW-Authenticate": 'Bearer realm="buildbot-bridge"'},
        )

    def user(self, headers: Mapping[str, str], peer: str | None) -> str | None:
        """Who asks, where a trusted proxy says so."""
        named = self._through_proxy(headers, peer) and self.proxy_header is not None
        return headers[self.proxy_header][:100] if named and self.proxy_header is not None else None

    def _named_rightly(self, host: str) -> bool:
        """Without token or proxy a page of elsewhere, whose name leads to this machine, must not be able to read."""
        if self.guarded and not self.hosts:
            return True
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return name.lower() in _LOOPBACK | {each.lower() for each in self.hosts}

    def has_session(self, headers: Mapping[str, str]) -> bool:
        """Whether the caller's browser keeps a session that is good."""
        kept = (each.strip().partition("=") for each in headers.get("Cookie", "").split(";"))
        return any(self.signed_in(value) for name, _, value in kept if name == COOKIE)

    def _shows_token(self, headers: Mapping[str, str]) -> bool:
        kind, _, given = headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and one_of(given.strip(), self.tokens())

    def _through_proxy(self, headers: Mapping[str, str], peer: str | None) -> bool:
        if self.proxy_header is None or not headers.get(self.proxy_header) or not (self.proving or self.networks):
            return False
        if self.proving and not one_of(headers.get(PROOF, ""), self.proofs()):
            return False
        return not self.networks or _within(peer, self.networks)


def one_of(given: str, good: Sequence[str]) -> bool:
    """Compared in the same time whatever is given, all of them in any case."""
    return sum(hmac.compare_digest(given.encode(errors="replace"), each.encode()) for each in good) > 0


def _within(peer: str | None, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in networks)
