"""A person's own account at Taskcluster, from the variables that Taskcluster's tools read."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bridge.cli.complaint import Complaint
from bridge.submission.links import Links

if TYPE_CHECKING:
    from bridge.taskcluster.author import Author
    from bridge.taskcluster.credentials import Credentials

_TIMEOUT: Final = 75.0
"""Seconds. While its broker is away the queue takes a minute to say that it has created a task."""
_CALLS_PER_SECOND: Final = 50
MEND: Final = "Sign in again if the credentials have expired, or ask for the scopes that are missing."
_SIGN_IN: Final = "Sign in with `eval $(taskcluster signin)`, or set it to what Taskcluster's administrators gave you."


@dataclass(frozen=True, slots=True)
class Account:
    """A Taskcluster, and who calls it; nobody where there are no credentials."""

    root_url: str
    credentials: Credentials | None = field(default=None, repr=False)

    @property
    def links(self) -> Links:
        """Where people find things there."""
        return Links(self.root_url)

    @property
    def name(self) -> str:
        """The client's name; empty for nobody."""
        return self.credentials.client_id if self.credentials else ""


def root_url() -> str | None:
    """TASKCLUSTER_ROOT_URL, if it is set."""
    given = os.environ.get("TASKCLUSTER_ROOT_URL", "").strip().rstrip("/")
    if "@" in given:  # calls are signed, with another header of the same name; and links go to logs and other people
        raise Complaint("TASKCLUSTER_ROOT_URL: holds a user's name or password. Drop all up to the @.")
    if given and not _is_address(given):
        raise Complaint(
            f"TASKCLUSTER_ROOT_URL: {given!r} is no address. An example: https://community-tc.services.mozilla.com"
        )
    return given or None


def _is_address(given: str) -> bool:
    try:
        parts = urlsplit(given)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and not set(given) & set(" ?#")
    except ValueError:  # brackets that do not close, a port beyond all ports
        return False


def account(*, anonymous: bool) -> Account:
    """The account that the environment names; without credentials only where nobody in particular may do it."""
    from bridge.taskcluster.credentials import Credentials

    names = ("TASKCLUSTER_CLIENT_ID", "TASKCLUSTER_ACCESS_TOKEN")
    client, token = (os.environ.get(name, "").strip() for name in names)
    root = root_url()
    if root is None:
        raise Complaint("TASKCLUSTER_ROOT_URL is not set. Set it to the address of your Taskcluster.")
    if anonymous and not (client or token):
        return Account(root)
    for name, value in zip(names, (client, token), strict=True):
        if not value:
            raise Complaint(f"{name} is not set. {_SIGN_IN}")
    return Account(root, Credentials(client, token, os.environ.get("TASKCLUSTER_CERTIFICATE", "").strip() or None))


@asynccontextmanager
async def opened(account: Account) -> AsyncIterator[Author]:
    """The account's client; what goes slowly is said on standard error."""
    from aiolimiter import AsyncLimiter

    from bridge.taskcluster.author import Author
    from bridge.taskcluster.calls import Calls
    from bridge.taskcluster.session import open_session

    async with open_session(_TIMEOUT, _skewed) as session:
        calls = Calls(account.root_url, session, AsyncLimiter(_CALLS_PER_SECOND, 1), lambda *_: None)
        yield Author(calls, account.credentials, say)


def say(words: str) -> None:
    """Tell on standard error what has nothing to do with the answer."""
    sys.stderr.write(f"bbb: {words}\n")


def _skewed(seconds: float) -> None:
    say(f"this machine's clock is {seconds:+.0f} s off Taskcluster's; beyond 15 minutes nothing works")
