"""One call to Taskcluster: signed, narrowed, limited, timed, and its failure named."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import BaseModel, ValidationError
from taskcluster import exceptions

from bridge.core import faults
from bridge.core.admission import shown
from bridge.taskcluster import signed
from bridge.taskcluster.credentials import Credentials

M = TypeVar("M", bound=BaseModel)
Told = Callable[[str, str, float], None]
"""Hears of each call: its name, its outcome (`ok`, `cancelled` or the kind of fault) and its duration in seconds."""

log = logging.getLogger(__name__)
# At DEBUG the client logs Authorization headers and whole answers, credentials among them.
for _name in ("taskcluster", "mohawk"):
    logging.getLogger(_name).setLevel(logging.INFO)

URGENT: Final = frozenset({"reclaimTask", "claimTask", "reportCompleted", "reportFailed", "reportException"})
"""Calls that keep a run alive or end it: they wait for no read and no upload."""
_THROTTLED: Final = 5.0
"""Seconds to wait after a 429 that names no time."""
_LONGEST_WAIT: Final = 3600.0


class Interrupted(faults.Unavailable):
    """A connection broke, or a service stumbled (5xx) and named no wait: a read may be tried once more at once."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls to the services of one Taskcluster. The session carries the timeouts.

    `limiter` holds for all calls. All but the urgent ones pass `others` first, so that a storm of them leaves a share free.
    """

    root_url: str
    session: aiohttp.ClientSession
    limiter: AsyncLimiter
    told: Told
    others: AsyncLimiter | None = None

    async def queue(
        self, who: Credentials | None, scopes: Sequence[str] | None, method: str, *args: object, **kwargs: object
    ) -> Any:
        """Call a method of the queue with these credentials (None: as nobody), narrowed to `scopes` (None: as they are).

        Raises faults.
        """
        return await self._call(signed.Queue, "queue", who, scopes, method, *args, **kwargs)

    async def auth(self, who: Credentials | None, scopes: Sequence[str] | None, method: str, *args: object) -> Any:
        """Call a method of the auth service likewise; None: as nobody."""
        return await self._call(signed.Auth, "auth", who, scopes, method, *args)

    async def objects(self, who: Credentials, method: str, *args: object) -> Any:
        """Call a method of the object service with credentials that it made itself."""
        return await self._call(signed.Object, "object", who, None, method, *args)

    async def anonymous(self, method: str, *args: object) -> Any:
        """Call a method of the queue that is open to everybody, as nobody."""
        return await self._call(signed.Queue, "queue", None, None, method, *args)

    async def _call(
        self,
        service: Any,
        name: str,
        who: Credentials | None,
        scopes: Sequence[str] | None,
        method: str,
        *args: object,
        **kw: object,
    ) -> Any:
        options: dict[str, Any] = {"rootUrl": self.root_url, "maxRetries": 0}
        options |= {"credentials": who.options()} if who else {}
        options |= {} if scopes is None else {"authorizedScopes": list(scopes)}
        client = service(options, session=self.session)
        if self.others is not None and method not in URGENT:
            await self.others.acquire()
        async with self.limiter:
            started = time.monotonic()
            outcome = "cancelled"
            try:
                answer = _readable(await getattr(client, method)(*args, **kw), method)
            except Exception as error:  # noqa: BLE001 - named as a fault, or raised as it is
                fault = _told_scopes(fault_of(error, method), scopes)
                outcome = type(fault).__name__
                # Without the cause: its request holds the signature, and who shows causes may show that.
                raise fault from None
            else:
                outcome = "ok"
                return answer
            finally:
                self.told(f"{name}.{method}", outcome, time.monotonic() - started)


def _readable(answer: Any, method: str) -> Any:
    # The client gives the response itself where the body is no JSON.
    if isinstance(answer, dict) and set(answer) == {"response"} and not isinstance(answer["response"], dict):
        raise faults.Unavailable(f"{method}: the answer is not JSON")
    return answer


def parsed(model: type[M], answer: object, method: str) -> M:
    """The answer as a value; one that has another form than the queue's counts as no answer."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise faults.Unavailable(f"{method}: the answer has another form than the queue's ({_first(error)})") from None


def parsed_rows(model: type[M], rows: object, method: str) -> Iterator[M]:
    """The rows of a list as values; one of another form is left out, so that it spoils only itself."""
    if not isinstance(rows, Iterable) or isinstance(rows, str | dict):
        raise faults.Unavailable(f"{method}: the answer has no list")
    for row in rows:
        try:
            yield model.model_validate(row)
        except ValidationError as error:
            log.warning("taskcluster_row: %s: a row has another form than the queue's (%s)", method, _first(error))


def _first(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'all of it'}: {problem['msg']}"


def fault_of(error: Exception, method: str) -> Exception:
    """The fault that an exception of client or session means; defects stay what they are."""
    match error:
        case faults.Fault():
            return error
        case exceptions.TaskclusterRestFailure(status_code=status, body=body):
            return _refused(status, body if isinstance(body, dict) else {}, f"{method}: HTTP {status}: {_said(body)}")
        case exceptions.TaskclusterAuthFailure(body=body):
            return faults.NotAllowed(f"{method}: HTTP 401: {_said(body)}")
        case aiohttp.ClientResponseError(status=status):
            wait = _seconds(error.headers.get("Retry-After") if error.headers else None)
            text = f"{method}: HTTP {status}"
            return faults.Unavailable(text, retry_after=wait) if wait else Interrupted(text)
        case exceptions.TaskclusterConnectionError(superExc=cause):
            # A timeout is not tried again at once: that would multiply the wait.
            kind = faults.Unavailable if isinstance(cause, TimeoutError) else Interrupted
            return kind(f"{method}: {type(cause).__name__}: {_words(cause)}")
        case aiohttp.ClientError() | TimeoutError() | OSError():
            return faults.Unavailable(f"{method}: {type(error).__name__}: {_words(error)}")
        case _:
            return error


def _told_scopes(fault: Exception, scopes: Sequence[str] | None) -> Exception:
    """Name the scopes of the call: a client that lacks one of them is answered 401 with all that it has instead."""
    if isinstance(fault, faults.NotAllowed) and scopes is not None:
        return faults.NotAllowed(f"{fault} (the call needs {' and '.join(scopes)})")
    return fault


def _refused(status: int, body: dict[str, Any], message: str) -> faults.Fault:
    """The queue's own word is needed for what could end a run: a proxy's 404 says nothing about a task."""
    match status, body.get("code"):
        case 403, _:
            return faults.NotAllowed(message)
        case 429, _:
            return faults.Unavailable(message, retry_after=_wait(body, _THROTTLED))
        case 409, str():
            return faults.Conflicting(message)
        case 404 | 410, str():
            return faults.Missing(message)
        case 400 | 413, str():
            return faults.Unfit(message)
        case _:
            return faults.Unavailable(message, retry_after=_wait(body, None))


def _wait(body: Mapping[str, Any], default: float | None) -> float | None:
    """The wait that an answer asks for, within reason; anybody can have written the body."""
    match body.get("retryAfter"):
        case int() | float() as seconds if seconds >= 0:
            return float(min(seconds, _LONGEST_WAIT))
        case _:
            return default


def _said(body: object) -> str:
    """An error's own message. Where there is none the client puts in the whole answer, which may hold credentials."""
    message = body.get("message") if isinstance(body, dict) else None
    return _words(message) if isinstance(message, str) else "no message"


def _words(said: object) -> str:
    """The message on one printable line, without what the services add: request details, all scopes of expression or client.

    It may quote what anybody wrote.
    """
    said = str(said)
    for addition in ("\n\n---", "\n\nThis request requires the client", "; credentials have scopes:"):
        said = said.split(addition, maxsplit=1)[0]
    return shown(" ".join(said.replace("```", "").split()), 500)


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.isdecimal()):
        return None
    return min(float(retry_after[:9]), _LONGEST_WAIT)
