"""HTTP as no client library would send it: bytes over a socket, and what came back."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer: a status (None: the server closed without one) and everything that was sent."""

    status: int | None
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw.partition(b"\r\n\r\n")[2])


def head(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (method, target), *(b"%s: %s" % header for header in headers)]
    return b"\r\n".join([*lines, b"", b""])


def send(url: str, *parts: bytes, timeout: float = 10.0, finish: bool = True) -> Answered:
    """Send the parts and read until the server closes or falls silent.

    `finish` says that nothing more comes; a server may take that for the end of all interest in its answer.
    """
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=timeout) as line:
        received = bytearray()
        try:
            for part in parts:
                line.sendall(part)
            if finish:
                with suppress(OSError):  # "not connected", where it has hung up in between
                    line.shutdown(socket.SHUT_WR)
            while chunk := line.recv(65536):
                received += chunk
        except (ConnectionError, TimeoutError):
            pass  # it has hung up on us, or waits for more: both are its right
    return Answered(_status(bytes(received)), bytes(received))


def _status(raw: bytes) -> int | None:
    words = raw.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else None
