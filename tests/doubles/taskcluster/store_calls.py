"""HTTP around the artifact store: PUT to a signed address, GET of all or a range, errors as S3 writes them."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from xml.sax.saxutils import escape

from tests.doubles.taskcluster.api import Answer, Request
from tests.doubles.taskcluster.store import PREFIX, Blob, Store, StoreError

_ARTIFACTS = f"{PREFIX}/artifacts/"
_OBJECTS = f"{PREFIX}/objects/"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a file, to be sent as a body."""

    path: Path
    start: int
    length: int


def serves(path: str) -> bool:
    return path.startswith(PREFIX + "/")


def refuses(store: Store, request: Request, now: int) -> bool:
    """Tell whether an upload is refused whatever its body is."""
    try:
        store.admit(_key(request.path), dict(request.query), request.content_type, now)
    except StoreError:
        return True
    return request.chunked


def handle(store: Store, request: Request, now: int) -> Answer:
    """Answer one request to the store; bodies are bytes, or a part of a file."""
    try:
        return _answer(store, request, now)
    except StoreError as error:
        text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        return Answer(error.status, text.encode(), {"content-type": "application/xml"})


def _key(path: str) -> str:
    """The name of a blob, which an address for it is signed with."""
    return unquote(path.removeprefix(_ARTIFACTS) if path.startswith(_ARTIFACTS) else path.removeprefix(f"{PREFIX}/"))


def _answer(store: Store, request: Request, now: int) -> Answer:
    query = dict(request.query)
    if not request.path.startswith((_ARTIFACTS, _OBJECTS)) or request.method not in ("PUT", "GET", "HEAD"):
        raise StoreError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    if request.method == "PUT":
        if request.chunked:
            raise StoreError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        content = request.body if request.spooled is None else request.spooled
        kind = request.content_type or "binary/octet-stream"
        store.admit(_key(request.path), query, request.content_type, now)
        store.put(_key(request.path), Blob(content, kind, request.content_encoding))
        return Answer(200, b"")
    if request.path.startswith(_OBJECTS):
        return _shown(store.get_object(unquote(request.path.removeprefix(_OBJECTS))), request)
    return _shown(store.get(_key(request.path), query, now), request)


def _shown(blob: Blob, request: Request) -> Answer:
    start, end = _range(request.range, blob.size)
    whole = (start, end) == (0, blob.size) and request.range is None
    said = {} if whole else {"content-range": f"bytes {start}-{end - 1}/{blob.size}"}
    headers = blob.headers | {"accept-ranges": "bytes"} | said
    if request.method == "HEAD":
        return Answer(200, b"", headers)
    content = blob.content
    body = Part(content, start, end - start) if isinstance(content, Path) else content[start:end]
    return Answer(200 if whole else 206, body, headers)


def _range(asked: str | None, size: int) -> tuple[int, int]:
    """Begin and end of what is asked for; a header that is no simple range counts as none, as in S3."""
    found = _RANGE.fullmatch(asked or "")
    if found is None:
        return 0, size
    start, end = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if start > end:
        raise StoreError(416, "InvalidRange", "The requested range is not satisfiable")
    return start, end + 1
