"""Addresses of live logs: signed, for one build of one run, good for a time.

An address is `<public_url>/live/<taskId>/<runId>/<token>`. The token is a JSON Web Token, HS256. Whoever has the address can
read the log until it expires, so it belongs where only readers of the task can see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.core.run import RunId, RunKey, TaskId

LEAST_KEY: Final = 32
"""Characters of a key: HS256 wants as many bytes as its hash has."""
LEEWAY: Final = timedelta(seconds=5)
"""How far the clocks of the one who signs and the one who checks may be apart."""
Build = tuple[str, int, str]
"""The name of a source, the id of a build, and the request's external id."""
_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "buildbot-bridge live log"


class WrongAddressError(Exception):
    """The address does not open this log."""


class ExpiredAddressError(Exception):
    """The address was right, and is not any more."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an address opens: a build, for a run. `source` is the name under which the server has where the build is read.

    `external_id` is that of the request: it names the run for which the request was made. A Buildbot that lost builds gives
    their ids to other ones.
    """

    key: RunKey
    source: str
    build_id: int
    external_id: str

    @property
    def build(self) -> Build:
        """The build alone, which may be granted to several runs: one that adopts a request reads it too."""
        return self.source, self.build_id, self.external_id


class _Claims(BaseModel):
    """The token's content."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    aud: Literal["buildbot-bridge live log"]
    exp: int
    task: str
    run: int
    source: str
    build: int
    request: str


def address(public_url: str, key: str, grant: Grant, expires: datetime) -> str:
    """The address of a log, for anybody to read it until it expires. `public_url` has no slash at its end."""
    return f"{public_url}/live/{grant.key}/{sign(key, grant, expires)}"


def sign(key: str, grant: Grant, expires: datetime) -> str:
    """The token for a grant; raises ValueError if the key is too short."""
    import jwt  # with all of cryptography: ten megabytes that a process without live logs never needs

    claims = _Claims(
        aud=_AUDIENCE,
        exp=int(expires.timestamp()),
        task=grant.key.task_id,
        run=grant.key.run_id,
        source=grant.source,
        build=grant.build_id,
        request=grant.external_id,
    )
    return jwt.encode(claims.model_dump(), _fit(key), algorithm=_ALGORITHM)


def verify(keys: Sequence[str], key: RunKey, token: str, now: datetime) -> Grant:
    """What the token opens for the run that the path names; one of the keys must have signed it.

    Raises WrongAddressError or ExpiredAddressError, and ValueError if a key is too short.
    """
    claims = _signed([_fit(each) for each in keys], token)
    if (claims.task, claims.run) != (key.task_id, key.run_id):
        raise WrongAddressError("This address belongs to another run.")
    if claims.exp <= (now - LEEWAY).timestamp():
        raise ExpiredAddressError("This address has expired.")
    return Grant(RunKey(TaskId(claims.task), RunId(claims.run)), claims.source, claims.build, claims.request)


def _signed(keys: Sequence[str], token: str) -> _Claims:
    """The claims of a token that one of the keys has signed, expired or not."""
    import jwt

    for key in keys:
        try:
            # The time is checked by our clock, not by the library's.
            claims = jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options={"verify_exp": False})
            return _Claims.model_validate(claims)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValidationError):
            break
    raise WrongAddressError("This address is not one that the bridge gave out.")


def _fit(key: str) -> str:
    if len(key.encode()) < LEAST_KEY:
        raise ValueError(f"a key of live logs must have at least {LEAST_KEY} characters")
    return key
