"""Between HTTP and the rules: which call a request is, and in which order it is checked.

Order, as the real services keep it: path and query, then scopes if they name only what the URL says, then the body,
then whatever the call itself checks; a call whose scopes need the task or the body asks for them itself. A request is
authenticated only when scopes are asked for. No sockets here: `Api.handle` answers a request at a given time.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.doubles.taskcluster.credentials import Auth, Caller, Issuer, Signed
from tests.doubles.taskcluster.errors import ApiError
from tests.doubles.taskcluster.identifiers import SLUG
from tests.doubles.taskcluster.index import PATH
from tests.doubles.taskcluster.instants import zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.schemas import WORKER_TYPE, Shape
from tests.doubles.taskcluster.scopes import Expression, written
from tests.doubles.taskcluster.store import Store

LARGEST_BODY = 10 * 1024 * 1024
_GENERIC = r"[a-zA-Z0-9_-]{1,38}"
PARAMETERS = {
    "taskId": SLUG.pattern,
    "taskGroupId": SLUG.pattern,
    "runId": "[1-9]*[0-9]+",
    "name": "[ -~]+",
    "taskQueueId": f"{_GENERIC}/{WORKER_TYPE}",
    "provisionerId": _GENERIC,
    "workerType": WORKER_TYPE,
    "workerGroup": _GENERIC,
    "workerId": _GENERIC,
    "roleId": "[ -~]+",
    "indexPath": PATH.pattern,
    "namespace": PATH.pattern,
}
QUERIES = {"limit": "[0-9]+", "continuationToken": ".*", "quarantined": "true|false"}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` percent-encoded and without the query, `url` as the client signed it."""

    method: str
    path: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str | None = None
    authorization: str | None = None
    chunked: bool = False  # the body came without a Content-Length
    content_encoding: str | None = None
    range: str | None = None
    spooled: Path | None = None  # where the body is, if it was too large for memory


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `late` microseconds it is held back, and `again` to be asked after `pause` instead of it."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    late: int = 0
    pause: int = 0
    client: str | None = None  # who asked, as far as the call had to know
    again: Callable[[int], "Answer"] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One call of a service; `scope` is a template over the path's parameters, None if the call asks by itself."""

    api: str
    method: str
    path: str
    perform: Callable[["Call"], "Answer | dict[str, Any]"]
    scope: Expression | None = None
    shape: Shape | None = None
    query: tuple[str, ...] = ()

    def pattern(self) -> re.Pattern[str]:
        parts = re.split(r"<(\w+)>", self.path)
        literal = [re.escape(part) for part in parts[::2]]
        named = [f"(?P<{name}>{'.+' if name in ('name', 'roleId') else '[^/]+'})" for name in parts[1::2]]
        return re.compile("".join(a + b for a, b in zip(literal, [*named, ""], strict=True)))


@dataclass(slots=True)
class Deployment:
    """What all calls work on."""

    ledger: Ledger
    auth: Auth
    issuer: Issuer
    store: Store
    started: int = 0


@dataclass(slots=True)
class Call:
    """One request on its way through a call."""

    at: Deployment
    request: Request
    params: dict[str, str]
    now: int
    body: Any = None
    caller: Caller | None = None

    @property
    def ledger(self) -> Ledger:
        return self.at.ledger

    @property
    def task_id(self) -> str:
        return self.params["taskId"]

    @property
    def run_id(self) -> int:
        return int(self.params["runId"])

    def authorize(self, expression: Expression) -> None:
        """Refuse with 401 or 403 unless the caller has these scopes."""
        caller = self.authenticate()
        missing = caller.scopes.missing(expression)
        if missing is None:
            return
        asks = f"the following scope expression:\n\n```\n{written(expression)}\n```"
        if caller.client_id is None:
            raise ApiError("InsufficientScopes", f"This request requires Taskcluster credentials that satisfy {asks}")
        raise ApiError(
            "InsufficientScopes",
            f"Client ID {caller.client_id} does not have sufficient scopes and is missing the following scopes:\n\n"
            f"```\n{written(missing)}\n```\n\nThis request requires the client to satisfy {asks}",
        )

    def authenticate(self) -> Caller:
        if self.caller is None:
            asked = self.request
            signed = Signed(asked.authorization, asked.method, asked.url, asked.body, asked.content_type)
            self.caller = self.at.auth.authenticate(signed, self.now)
        return self.caller


@dataclass(frozen=True, slots=True)
class Match:
    """The call that a request asks for, with the parameters of its path decoded."""

    route: Route
    params: dict[str, str]

    @property
    def task_id(self) -> str | None:
        return self.params.get("taskId")


class Api:
    """All calls of a deployment."""

    def __init__(self, deployment: Deployment, routes: tuple[Route, ...]) -> None:
        self.at = deployment
        self._routes: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
        for route in routes:
            self._routes.setdefault(route.method, []).append((route.pattern(), route))

    def match(self, method: str, path: str) -> Match | None:
        for pattern, route in self._routes.get(method, ()):
            found = pattern.fullmatch(path)
            if found:
                return Match(route, {name: unquote(value) for name, value in found.groupdict().items()})
        return None

    def handle(self, request: Request, now: int) -> Answer:
        """Answer a request as the deployment would at this time."""
        match = self.match(request.method, request.path)
        if match is None:
            return Answer(404, {"error": "Not found"})
        return self.perform(match, request, now)

    def perform(self, match: Match, request: Request, now: int) -> Answer:
        call = Call(self.at, request, match.params, now)
        return self._guarded(match, call, lambda: _checked(match, call), now)

    def resume(self, match: Match, request: Request, waiting: Answer, now: int) -> Answer:
        """Ask a waiting call again."""
        again = waiting.again
        if again is None:
            return waiting
        return self._guarded(match, Call(self.at, request, match.params, now), lambda: again(now), now)

    def _guarded(self, match: Match, call: Call, step: Callable[[], Answer], now: int) -> Answer:
        self.at.ledger.late = 0
        try:
            answer = step()
        except ApiError as error:
            answer = Answer(error.status, _error_body(match, call, error, now))
        client = call.caller.client_id if call.caller else None
        return replace(answer, late=self.at.ledger.late, client=client)


def _checked(match: Match, call: Call) -> Answer:
    route = match.route
    _check_path(match.params)
    _check_query(route, call.request.query)
    if route.scope is not None:
        call.authorize(_filled(route.scope, match.params))
    if route.shape is not None:
        call.body = _read_body(call.request)
        route.shape.check(call.body)
    answer = route.perform(call)
    return answer if isinstance(answer, Answer) else Answer(200, answer)


def _check_path(params: dict[str, str]) -> None:
    for name, value in params.items():
        if not re.fullmatch(PARAMETERS[name], value):
            raise ApiError(
                "InvalidRequestArguments",
                f"Invalid URL patterns:\nURL parameter '{name}' given as '{value}' must match regular expression: "
                f"'/^{PARAMETERS[name]}$/'",
            )


def _check_query(route: Route, query: Mapping[str, str]) -> None:
    for name, value in query.items():
        if name not in route.query:
            raise ApiError("InvalidRequestArguments", f"Query-string parameter: {name} is not supported!")
        if not re.fullmatch(QUERIES[name], value):
            raise ApiError(
                "InvalidRequestArguments",
                f'Query-string parameter: {name}="{value}" does not match expression: /^{QUERIES[name]}$/',
            )


def _filled(expression: Expression, params: dict[str, str]) -> Expression:
    if isinstance(expression, str):
        return re.sub(r"<(\w+)>", lambda found: _scope_word(found[1], params), expression)
    return {kind: [_filled(part, params) for part in parts] for kind, parts in expression.items()}


def _scope_word(name: str, params: dict[str, str]) -> str:
    return str(int(params[name])) if name == "runId" else params[name]


def _read_body(request: Request) -> Any:
    if len(request.body) > LARGEST_BODY:
        raise ApiError("InputTooLarge", "request entity too large")
    kind = (request.content_type or "").split(";")[0].strip().lower()
    if not request.body or kind != "application/json":
        raise ApiError(
            "MalformedPayload",
            f"Payload must be JSON with content-type: application/json got content-type: {request.content_type or 'null'}",
        )
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise ApiError("MalformedPayload", f"Failed to parse JSON: {error}") from error


def _error_body(match: Match, call: Call, error: ApiError, now: int) -> dict[str, Any]:
    method = match.route.api.split(".")[1]
    facts = (f"method:     {method}", f"errorCode:  {error.code}", f"statusCode: {error.status}", f"time:       {zulu(now)}")
    return {
        "code": error.code,
        "message": error.message + "\n\n---\n\n" + "\n".join(f"* {fact}" for fact in facts),
        "requestInfo": {"method": method, "params": match.params, "payload": call.body or {}, "time": zulu(now)},
    }
