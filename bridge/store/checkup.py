"""What the database says of itself, for people who set it up; and its refusals in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bridge.store.database import BareDatabaseError, Database, NotAdmittedError
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
        nowhere = isinstance(shut.__cause__, asyncpg.InvalidCatalogNameError)
        mend = "Create it (createdb), or correct its name" if nowhere else "Correct user and password"
        raise RefusedError(f"{shut.__cause__}. {mend} in database.dsn.") from shut
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
