"""What the database says of itself, for people who set it up; and its refusals in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bridge.store.database import BareDatabaseError, Database, NotAdmittedError, closed_to_all
from bridge.store.queries import query


class RefusedError(Exception):
    """PostgreSQL answers and refuses; the text says what, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """About the server and our role in it; `now` is the server's time."""

    version: str
    database: str
    role: str
    superuser: bool
    encrypted: bool
    local: bool
    now: datetime


async def facts(database: Database) -> Facts:
    """Ask for the facts."""
    (row,) = await database.fetch(query("server_facts"))
    return Facts(**row)


@contextmanager
def refusals_in_words() -> Iterator[None]:
    """Turn refusals that a person can mend into `RefusedError`; no password is in the text."""
    try:
        yield
    except NotAdmittedError as shut:
        raise RefusedError(f"{shut.__cause__}. {_mend(shut.__cause__)}") from shut
    except BareDatabaseError as bare:
        older = isinstance(bare.__cause__, asyncpg.UndefinedColumnError)
        what = (
            f"{bare.__cause__}: the database is of an older version"
            if older
            else "the database has no tables of this bridge"
        )
        raise RefusedError(f"{what}. Run: bbb migrate") from bare
    except asyncpg.InsufficientPrivilegeError as error:
        raise RefusedError(f"{error}. Grant it to the role, or make the role the owner of the database.") from error
    except asyncpg.ClientConfigurationError as error:
        raise RefusedError(f"database.dsn cannot be used: {error}") from None
    except ssl.SSLError as error:
        raise RefusedError(f"the server's certificate is not accepted: {error.reason}. Correct sslrootcert.") from error


def _mend(why: BaseException | None) -> str:
    if closed_to_all(why):
        return "Open it, if nobody works on it: ALTER DATABASE … ALLOW_CONNECTIONS true."
    nowhere = isinstance(why, asyncpg.InvalidCatalogNameError)
    return f"{'Create it (createdb), or correct its name' if nowhere else 'Correct user and password'} in database.dsn."
