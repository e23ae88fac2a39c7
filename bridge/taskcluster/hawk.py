"""Hawk, the signature of Taskcluster's calls: one header over time, method, address and body, by HMAC-SHA256.

The library that the client signs with formats debug output for each call, whether anybody reads it or not; signing was a
seventh of a listener's CPU. A test compares headers with that library's own, and the double checks each call with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
# A header's value stands between quotes, and has no escapes (https://github.com/mozilla/hawk, API.md).
_UNFIT: Final = re.compile(r'["\\]|[^\x20-\x7e]')


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs; `ext` is what goes along, as certificate and scopes do."""

    client_id: str
    key: bytes = field(repr=False)
    ext: str = ""

    def header(self, method: str, url: str, body: str | None, at: int, nonce: str) -> str:
        """The value of Authorization at a time in seconds since 1970. Raises ValueError for what no header can carry."""
        there = urlsplit(url)
        resource = there.path + (f"?{there.query}" if there.query else "")
        port = there.port or _PORTS[there.scheme]
        content = _hash_of(body)
        parts = (
            "hawk.1.header",
            str(at),
            nonce,
            method.upper(),
            resource,
            there.hostname or "",
            str(port),
            content,
            self.ext,
            "",
        )
        mac = _coded(hmac.digest(self.key, "\n".join(parts).encode(), hashlib.sha256))
        said = {"mac": mac, "hash": content, "id": self.client_id, "ts": str(at), "nonce": nonce}
        said |= {"ext": self.ext} if self.ext else {}
        for name, value in said.items():
            if _UNFIT.search(value):
                raise ValueError(f"a Hawk header cannot carry this {name}")
        return "Hawk " + ", ".join(f'{name}="{value}"' for name, value in said.items())


def _hash_of(body: str | None) -> str:
    """The hash that binds the body to the signature; bodies are JSON, and there may be none."""
    kind = "application/json" if body else ""
    return _coded(hashlib.sha256(f"hawk.1.payload\n{kind}\n{body or ''}\n".encode()).digest())


def _coded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
