"""An S3-like store: signed addresses for uploads and private downloads, plain ones for public downloads."""

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.doubles.taskcluster.instants import SECOND, parse, zulu

PREFIX = "/artifact-store"


class StoreError(Exception):
    """The store answers an error: status, code and message as in S3's XML bodies."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Blob:
    """What one upload left: its bytes, or the file on disk that has them, and the headers that readers get back."""

    content: bytes | Path
    content_type: str
    content_encoding: str | None = None

    @property
    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @property
    def headers(self) -> dict[str, str]:
        encoding = {} if self.content_encoding is None else {"content-encoding": self.content_encoding}
        return {"content-type": self.content_type} | encoding


@dataclass(slots=True)
class Store:
    """The bytes of all artifacts; `root_url` is where readers and writers reach it."""

    root_url: str
    secret: bytes
    blobs: dict[str, Blob] = field(default_factory=dict)
    objects: dict[str, Blob] = field(default_factory=dict)  # of the object service
    down: bool = False
    rate: float | None = None  # bytes a second that it takes of an upload; None: all that comes

    def signed_put(self, path: str, content_type: str, now: int, until: int) -> str:
        """Sign an upload; asked twice in one second, the address is the same, as a real signature would be."""
        return self._signed("PUT", path, content_type, now, until)

    def signed_get(self, path: str, now: int, until: int) -> str:
        return self._signed("GET", path, "", now, until)

    def public_address(self, path: str) -> str:
        return f"{self.root_url}{PREFIX}/artifacts/{quote(path)}"

    def object_address(self, name: str) -> str:
        return f"{self.root_url}{PREFIX}/objects/{quote(name)}"

    def _signed(self, method: str, path: str, content_type: str, now: int, until: int) -> str:
        expires = zulu(until // SECOND * SECOND)
        signature = self._signature(method, path, content_type, expires)
        query = urlencode({"X-Expires": expires, "X-Signature": signature})
        place = (
            self.object_address(path.removeprefix("objects/")) if path.startswith("objects/") else self.public_address(path)
        )
        return f"{place}?{query}"

    def _signature(self, method: str, path: str, content_type: str, expires: str) -> str:
        text = f"{method}\n{path}\n{content_type}\n{expires}"
        return hmac.digest(self.secret, text.encode(), hashlib.sha256).hex()

    def signed_object_put(self, name: str, content_type: str, now: int, until: int) -> str:
        return self._signed("PUT", f"objects/{name}", content_type, now, until)

    def admit(self, path: str, query: dict[str, str], content_type: str | None, now: int) -> None:
        """Refuse an upload that would be refused, by its address and Content-Type alone: those that were signed."""
        self._refuse_while_down()
        self._check("PUT", path, query, content_type or "", now)

    def put(self, path: str, blob: Blob) -> None:
        """Store a whole upload that was admitted; it replaces what was there."""
        of_service = path.startswith("objects/")
        blobs, name = (self.objects, path.removeprefix("objects/")) if of_service else (self.blobs, path)
        old = blobs.get(name)
        blobs[name] = blob
        if old is not None and isinstance(old.content, Path):
            old.content.unlink()

    def get(self, path: str, query: dict[str, str], now: int) -> Blob:
        """Read an upload: names under `public/` without a signature."""
        self._refuse_while_down()
        if not path.split("/", 2)[-1].startswith("public/"):
            self._check("GET", path, query, "", now)
        blob = self.blobs.get(path)
        if blob is None:
            raise StoreError(404, "NoSuchKey", "The specified key does not exist.")
        return blob

    def get_object(self, name: str) -> Blob:
        blob = self.objects.get(name)
        if blob is None:
            raise StoreError(404, "NoSuchKey", "The specified key does not exist.")
        return blob

    def _refuse_while_down(self) -> None:
        if self.down:
            raise StoreError(503, "ServiceUnavailable", "Please reduce your request rate.")

    def _check(self, method: str, path: str, query: dict[str, str], content_type: str, now: int) -> None:
        expires, signature = query.get("X-Expires"), query.get("X-Signature")
        if expires is None or signature is None:
            raise StoreError(403, "AccessDenied", "Access Denied")
        if not hmac.compare_digest(self._signature(method, path, content_type, expires), signature):
            raise StoreError(403, "SignatureDoesNotMatch", "The signature does not match the request.")
        if parse(expires) < now:
            raise StoreError(403, "AccessDenied", "Request has expired")
