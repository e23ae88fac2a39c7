"""The border to HTTP: who may call, how much may be said, and that no answer ever carries a traceback.

Buildbot's own authorisation does not see what is below `/plugins`, so the token is checked here, first of all.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl

from buildbot.www.plugin import Application
from twisted.internet import defer
from twisted.python import log
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import NoRangeStaticProducer

from bridge.master import calls
from bridge.master.call import Answer, Call, File, Reply, Text
from bridge.master.refusal import BadRequest, NoSuchPath, NotReady, Refused, TooLarge, Unauthorized
from bridge.master.service import TaskclusterBridge, running
from bridge.master.wire import MAX_BODY

_VERSION_PREFIX: Final = "v1"
_MAX_PARAMETERS: Final = 20


class Bridge(Resource):
    """The resource at `/plugins/taskcluster/`."""

    isLeaf = True  # noqa: N815 - the host's name

    def __init__(self, application: Application) -> None:
        super().__init__()
        self._application = application

    def render(self, request: Any) -> Any:
        """Answer a request; the call ends early if its client goes away while it waits for changes."""
        answering = defer.Deferred.fromCoroutine(self._answer(request))
        gone: list[Failure] = []
        waits = request.postpath[-1:] == [b"changes"]

        def left(why: Failure) -> None:
            gone.append(why)
            if waits:
                answering.cancel()

        request.notifyFinish().addErrback(left)
        answering.addErrback(_unexpected)
        answering.addCallback(lambda answer: _drop(answer) if gone else _send(request, answer))
        answering.addErrback(log.err, "while answering the bridge")
        return NOT_DONE_YET

    async def _answer(self, request: Any) -> Reply:
        try:
            service = self._service()
            if not service.tokens.admit(request.getHeader(b"authorization")):
                raise Unauthorized("send the header 'Authorization: Bearer <token>' with the token of this plugin")
            action, path = calls.action(_text(request.method), _path(request))
            return await action(Call(service, path, _query(request), _body(request), request.getHeader(b"traceparent")))
        except Refused as refused:
            if refused.status in {401, 429, 503}:
                _advise(request, refused)
            return Answer(refused.status, refused.as_json())

    def _service(self) -> TaskclusterBridge:
        service = running(getattr(self._application, "master", None))
        if service is not None:
            return service
        raise NotReady("c['services'] has no running util.TaskclusterBridge", retry_after=5)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("the path or the query is not UTF-8") from error


def _path(request: Any) -> str:
    version, *parts = [_text(part) for part in request.postpath] or [""]
    if version != _VERSION_PREFIX or any("/" in part for part in parts):
        raise NoSuchPath(f"the paths of this interface begin with {_VERSION_PREFIX}/")
    return "/".join(parts)


def _query(request: Any) -> dict[str, str]:
    """Read the query from the address, since a form in the body would be mixed into twisted's `args`."""
    raw = request.uri.partition(b"?")[2]
    try:
        pairs = parse_qsl(_text(raw), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise BadRequest("the query has too many parameters") from error
    if len(dict(pairs)) != len(pairs):
        raise BadRequest("the query has a parameter twice")
    return dict(pairs)


def _body(request: Any) -> bytes:
    raw: bytes = request.content.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise TooLarge(f"the body is larger than {MAX_BODY} bytes")
    return raw


def _advise(request: Any, refused: Refused) -> None:
    if refused.retry_after is not None:
        request.setHeader(b"retry-after", str(refused.retry_after).encode())
    if refused.status == 401:
        request.setHeader(b"www-authenticate", b'Bearer realm="buildbot-bridge"')


def _unexpected(failure: Failure) -> Answer:
    if not failure.check(defer.CancelledError):
        log.err(failure, "while answering the bridge")
    return Answer(500, Refused("an error inside the master; its log says more").as_json())


def _send(request: Any, reply: Reply) -> None:
    match reply:
        case Answer(status, body):
            raw = json.dumps(body, separators=(",", ":")).encode()
            _begin(request, status, "application/json", len(raw))
            request.write(raw)
            request.finish()
        case Text(body, headers):
            _begin(request, 200, "text/plain; charset=utf-8", len(body))
            for name, value in headers.items():
                request.setHeader(name.encode(), value.encode())
            request.write(body)
            request.finish()
        case File(content, size):
            _begin(request, 200, "application/octet-stream", size)
            # It reads a block when the one before has gone out, so a slow reader costs the master no memory.
            NoRangeStaticProducer(request, content).start()


def _drop(reply: Reply) -> None:
    if isinstance(reply, File):
        reply.content.close()


def _begin(request: Any, status: int, content_type: str, size: int) -> None:
    request.setResponseCode(status)
    request.setHeader(b"content-type", content_type.encode())
    request.setHeader(b"content-length", str(size).encode())
    request.setHeader(b"cache-control", b"no-store")


# Not `ui=False`: Buildbot 4.0 takes such a plugin out of its configuration as it sets it up, and sets all up twice, so that
# nothing is served; from 4.1 on the word has no meaning.
ep = Application("bridge.master", "The Buildbot Bridge: Taskcluster tasks as builds")
ep.resource = Bridge(ep)
