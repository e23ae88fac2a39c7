"""Who calls: Hawk signatures, temporary credentials with their certificates, authorizedScopes.

The client's own libraries make both ends meet: `mohawk` checks what `mohawk` signed, and temporary credentials are
made by `taskcluster.createTemporaryCredentials`. Times are compared with the clock that is passed in.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import mohawk
import mohawk.exc
import taskcluster

from tests.doubles.taskcluster.errors import ApiError
from tests.doubles.taskcluster.instants import MINUTE, SECOND, zulu
from tests.doubles.taskcluster.scopes import Roles, ScopeSet

ISSUER = "static/taskcluster/queue"
GRACE = 5 * MINUTE  # a certificate is accepted this long past its expiry, and before its start
SKEW = 15 * MINUTE  # of a Hawk timestamp
ANY_SKEW_SECONDS = 1e12  # mohawk would ask the wall clock; the timestamp is compared here instead


@dataclass(frozen=True, slots=True)
class Client:
    """A permanent client."""

    access_token: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from; client_id None is anonymous."""

    client_id: str | None
    scopes: ScopeSet


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request brings for its authentication: the URL as the client signed it, and the raw body."""

    authorization: str | None
    method: str
    url: str
    body: bytes
    content_type: str | None


def refused(message: str) -> ApiError:
    return ApiError("AuthenticationFailed", message)


@dataclass(slots=True)
class Auth:
    """The clients and roles of a deployment."""

    clients: dict[str, Client]
    roles: Roles = field(default_factory=lambda: Roles({}))
    ahead: int = 0  # how far a test moved the clock: callers sign with the time of the wall

    def authenticate(self, signed: Signed, now: int) -> Caller:
        """Tell who signed a request, or refuse with 401."""
        if signed.authorization is None:
            return Caller(None, self._with_anonymous(()))
        header = self._header(signed)
        ext = _ext(header.get("ext"))
        client_id, token, scopes = self._identify(header["id"], ext, now)
        _check_mac(signed, header, client_id, token, now - self.ahead)
        held = self._with_anonymous(scopes)
        limits = ext.get("authorizedScopes")
        if limits is None:
            return Caller(client_id, held)
        if not held.satisfies({"AllOf": limits}):
            listed = "\n".join(held)
            raise refused(
                f"Supplied credentials do not satisfy authorizedScopes; credentials have scopes:\n\n```\n{listed}\n```"
            )
        return Caller(client_id, self._with_anonymous(limits))

    def _with_anonymous(self, scopes: tuple[str, ...] | list[str]) -> ScopeSet:
        return self.roles.expand([*scopes, "assume:anonymous"])

    def _header(self, signed: Signed) -> Mapping[str, str]:
        try:
            header = mohawk.util.parse_authorization_header(signed.authorization)
        except mohawk.exc.BadHeaderValue as error:
            raise refused(f"Bad Request: {error}") from error
        except (mohawk.exc.HawkFail, ValueError) as error:
            raise refused(f"Bad Request: {error}") from error
        if not {"id", "ts", "nonce", "mac"} <= header.keys():
            raise refused("Bad Request: Missing attributes")
        return header

    def _identify(self, named: str, ext: dict[str, Any], now: int) -> tuple[str, str, tuple[str, ...]]:
        certificate = ext.get("certificate")
        issuer = (certificate or {}).get("issuer", named)
        client = self.clients.get(issuer)
        if client is None:
            raise refused(f"Client with clientId '{issuer}' not found")
        if certificate is None:
            return named, client.access_token, client.scopes
        check_certificate(certificate, named, client, self.roles, now)
        return named, temporary_token(client.access_token, certificate["seed"]), tuple(certificate["scopes"])


def _ext(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        ext = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        certificate = ext.get("certificate")
        if isinstance(certificate, str):
            ext["certificate"] = json.loads(certificate)
    except (ValueError, AttributeError) as error:
        raise refused("Failed to parse ext") from error
    return ext


def _check_mac(signed: Signed, header: Mapping[str, str], client_id: str, token: str, now: int) -> None:
    lookup = {"id": client_id, "key": token, "algorithm": "sha256"}
    try:
        mohawk.Receiver(
            lambda _: lookup,
            signed.authorization,
            signed.url,
            signed.method,
            content=signed.body,
            content_type=signed.content_type or "",
            seen_nonce=lambda *_: False,
            accept_untrusted_content=True,
            timestamp_skew_in_seconds=ANY_SKEW_SECONDS,
        )
    except mohawk.exc.MisComputedContentHash as error:
        raise refused("Unauthorized: Bad payload hash") from error
    except mohawk.exc.HawkFail as error:
        raise refused("Unauthorized: Bad mac") from error
    if abs(int(header["ts"]) * SECOND - now) > SKEW:
        raise refused("Unauthorized: Stale timestamp")


def check_certificate(certificate: dict[str, Any], named: str, issuer: Client, roles: Roles, now: int) -> None:
    """Refuse a certificate that is not of this issuer, is out of its time, or hands on more than the issuer has."""
    start, expiry = certificate["start"] * 1000, certificate["expiry"] * 1000
    if expiry + GRACE < now:
        raise refused("ext.certificate.expiry < now")
    if start - GRACE > now:
        raise refused("ext.certificate.start > now")
    if not hmac.compare_digest(_signature(certificate, named, issuer.access_token), certificate["signature"]):
        raise refused("ext.certificate.signature is not valid, or wrong clientId provided")
    if not roles.expand(issuer.scopes).satisfies({"AllOf": certificate["scopes"]}):
        raise refused(f"ext.certificate issuer `{certificate.get('issuer')}` doesn't satisfy certificate's scopes")


def _signature(certificate: dict[str, Any], named: str, token: str) -> str:
    lines = [f"version:{certificate['version']}"]
    if "issuer" in certificate:
        lines += [f"clientId:{named}", f"issuer:{certificate['issuer']}"]
    lines += [f"{part}:{certificate[part]}" for part in ("seed", "start", "expiry")]
    text = "\n".join([*lines, "scopes:", *certificate["scopes"]])
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha256)).decode()


def temporary_token(issuer_token: str, seed: str) -> str:
    """Derive the access token that goes with a certificate."""
    digest = hmac.digest(issuer_token.encode(), seed.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Issuer:
    """The queue's own client, which signs the credentials of runs and uploads."""

    access_token: str

    def issue(self, name: str, scopes: list[str], now: int, expiry: int) -> dict[str, str]:
        """Make temporary credentials `name`, good from now until `expiry`."""
        made = taskcluster.createTemporaryCredentials(
            ISSUER, self.access_token, _moment(now), _moment(expiry), scopes, name=name
        )
        token, certificate = made["accessToken"], made["certificate"]
        return {
            "clientId": made["clientId"],
            "accessToken": token.decode() if isinstance(token, bytes) else token,
            "certificate": certificate,
        }


def _moment(instant: int) -> datetime:
    return datetime.fromisoformat(zulu(instant)).astimezone(UTC)
