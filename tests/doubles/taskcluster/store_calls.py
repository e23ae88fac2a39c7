"""HTTP around the artifact store: PUT to a signed address, GET, errors as S3 writes them."""

from dataclasses import replace
from urllib.parse import unquote
from xml.sax.saxutils import escape

from tests.doubles.taskcluster.api import Answer, Request
from tests.doubles.taskcluster.store import PREFIX, Blob, Store, StoreError

_ARTIFACTS = f"{PREFIX}/artifacts/"
_OBJECTS = f"{PREFIX}/objects/"


def serves(path: str) -> bool:
    return path.startswith(PREFIX + "/")


def handle(store: Store, request: Request, now: int) -> Answer:
    """Answer one request to the store; bodies are bytes."""
    try:
        return _answer(store, request, now)
    except StoreError as error:
        text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        return Answer(error.status, text.encode(), {"content-type": "application/xml"})


def _answer(store: Store, request: Request, now: int) -> Answer:
    query = dict(request.query)
    if request.path.startswith(_OBJECTS) and request.method in ("GET", "HEAD"):
        return _shown(store.get_object(unquote(request.path.removeprefix(_OBJECTS))), request.method)
    path = unquote(request.path.removeprefix(_ARTIFACTS))
    if not request.path.startswith(_ARTIFACTS) or request.method not in ("PUT", "GET", "HEAD"):
        raise StoreError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    if request.method == "PUT":
        if request.chunked:
            raise StoreError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        store.put(path, query, request.body, request.content_type, now)
        return Answer(200, b"")
    return _shown(store.get(path, query, now), request.method)


def _shown(blob: Blob, method: str) -> Answer:
    answer = Answer(200, blob.content, {"content-type": blob.content_type})
    return answer if method == "GET" else replace(answer, body=b"")
