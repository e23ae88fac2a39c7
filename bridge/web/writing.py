"""Who may steer. Pure: headers in, a refusal or nothing out.

Stricter than reading: only a token of its own in the header Authorization counts. A browser sends cookies, and what a proxy
adds, with every request that any page makes it send; this header it sends only for a script that knows the token, and never
across origins, since no answer of the API allows that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.web.access import one_of
from bridge.web.refusal import Refusal

Tokens = Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Writing:
    """The rules. Tokens come as functions: files of them are exchanged while the process runs.

    `on`: whether anybody may steer at all. `reading`: tokens that are good for reading only.
    """

    on: bool
    tokens: Tokens = tuple
    reading: Tokens = tuple

    def refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        """Why the caller may not steer; None for one who may."""
        if not self.on:
            mend = "Use `bbb`, or set status.write_token and start `bbb web` anew."
            return Refusal(403, "ReadOnly", "This API only reads: no status.write_token is set.", mend)
        kind, _, given = headers.get("Authorization", "").partition(" ")
        given = given.strip() if kind.lower() == "bearer" else ""
        if one_of(given, self.tokens()):
            return None
        mend = "Send the header Authorization: Bearer <token>, with the token of status.write_token."
        if one_of(given, self.reading()):
            return Refusal(403, "NotForReaders", "This token is good for reading only.", mend)
        why = "Steering needs the write token, in a header; nothing else counts, neither a cookie nor a proxy's word."
        return Refusal(401, "NotAuthorized", why, mend, {"WWW-Authenticate": 'Bearer realm="buildbot-bridge"'})


def closed() -> Writing:
    """Nobody may steer."""
    return Writing(on=False)
