"""Acts of operators over HTTP: who may, what is sent, what came of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from bridge.core import faults
from bridge.steering import errors
from bridge.web import refusal
from bridge.web.access import Access
from bridge.web.acts import ACTS, Act, Asked, Steer
from bridge.web.bodies import Body
from bridge.web.refusal import Refusal
from bridge.web.shown import Shown
from bridge.web.writing import Writing, closed

_MOST: Final = 16 << 10  # bytes of what is sent
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Steering:
    """Answers requests to act. `steer` None: there is nobody to act."""

    writing: Writing = field(default_factory=closed)
    steer: Steer | None = None

    def routes(self, place: str, access: Access, shown: Shown) -> list[web.RouteDef]:
        """A route for each act, below `place`."""
        return [web.post(f"{place}/{act.verb}", partial(self._answered, act, access, shown)) for act in ACTS]

    async def _answered(self, act: Act, access: Access, shown: Shown, request: web.Request) -> web.StreamResponse:
        no = self.writing.refusal(request.headers)
        if no is not None or self.steer is None:
            return refused(no or Refusal(503, "Unavailable", "Nobody can act here.", "Use `bbb`."))
        try:
            body = act.body.model_validate_json(await _sent(request))
            who = access.user(request.headers, request.remote) or body.who
            answer = await self.steer(Asked(act.verb, body, f"{who} (API)"))
        except Exception as trouble:
            if (no := _of(trouble, act.body)) is None:
                raise
            return refused(no)
        return web.json_response(shown.data(answer))


def refused(no: Refusal) -> web.Response:
    """The refusal as an answer."""
    return web.json_response(no.body().model_dump(), status=no.status, headers=no.headers)


class _UnreadableError(ValueError):
    """What was sent is not what an act takes."""


async def _sent(request: web.Request) -> bytes:
    """The body, which is JSON and says so: a form of a page cannot claim that."""
    if request.content_type != "application/json":
        raise _UnreadableError("What is sent must be JSON, with the header Content-Type: application/json")
    if request.query:
        raise _UnreadableError("An act takes no parameters in its address")
    sent = await request.content.read(_MOST + 1)
    while len(sent) <= _MOST and not request.content.at_eof():
        sent += await request.content.read(_MOST + 1 - len(sent))
    if len(sent) > _MOST:
        raise _UnreadableError(f"What is sent must not be longer than {_MOST} bytes")
    try:
        json.loads(sent)
    except (ValueError, RecursionError):
        raise _UnreadableError("What is sent is not JSON") from None
    return sent


def _of(trouble: Exception, body: type[Body]) -> Refusal | None:
    """What the caller is told of trouble that was expected; None for a defect."""
    takes = f"This takes: {', '.join(each.alias or name for name, each in body.model_fields.items())}."
    said = f"{trouble}."
    match trouble:
        case _UnreadableError():
            return Refusal(400, "InvalidBody", said, takes)
        case ValidationError():
            told = refusal.of(trouble, ())
            return told and Refusal(400, "InvalidBody", told.message, takes)
        case errors.AbsentError():
            return Refusal(404, "NotFound", said, "Check the name.")
        case errors.OvertakenError():
            return Refusal(409, "Overtaken", said, "Send the same without `seen`, read what it would do now, then decide.")
        case errors.ImpossibleError():
            return Refusal(409, "Impossible", said, "Look at `orders` and at the run.")
        case errors.ForbiddenError() | faults.NotAllowed():
            return Refusal(403, "Forbidden", said, "See `bbb scopes` and `bbb doctor`.")
        case faults.Conflicting() | faults.Unfit() | faults.Missing():
            return Refusal(409, "Impossible", said, "The other side refuses it, and would again: look at the task there.")
        case faults.Fault():
            again = "Nothing is unsafe to try again; `orders` tells what was begun."
            return Refusal(503, "Unavailable", said, again, {"Retry-After": "5"})
        case _:
            return None
