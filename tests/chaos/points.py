"""Crash points: a process kills itself directly before or directly after one of its own side effects.

The libraries are wrapped where every effect has to pass: aiohttp's one function for requests, asyncpg's statements and
aio_pika's acknowledgements and declarations. Reads are no effects and are not counted.
"""

import functools
import json
import mmap
import os
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

READS: Final = re.compile(r"GET |POST (queue/v1/tasks(/status)?|auth/v1/scopes/expand|taskcluster/v1/states)$")
SLUG: Final = re.compile(r"/[A-Za-z0-9_-]{22}(?=/|$)")
NUMBER: Final = re.compile(r"/[0-9]+(?=/|$)")
WRITES: Final = re.compile(r"^\s*(UPDATE|INSERT|DELETE) ", re.MULTILINE)
TAIL: Final = re.compile(r"(/artifacts/|/artifact-store/).*")
Name = Callable[..., str | None]


@dataclass(slots=True)
class Points:
    """What one process passes. `arm` = effect, `before` or `after`, and how often it lives through that.

    `switch` is a file of one byte: the arm counts while that is not 0. `seen` gets a line for each point passed for the
    first time, and one that starts with `hit` when the process dies at its arm.
    """

    seen: Path
    switch: Path
    arm: tuple[str, str, int] | None
    _known: set[tuple[str, str]] = field(default_factory=set)
    _out: int = -1
    _armed: mmap.mmap | None = None

    def open(self) -> None:
        """Open the files; must be done in the process that passes the points."""
        self._out = os.open(self.seen, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        with self.switch.open("rb") as byte:
            self._armed = mmap.mmap(byte.fileno(), 1, prot=mmap.PROT_READ)

    def passing(self, effect: str, when: str) -> None:
        """Live through the point, or die at it."""
        if (effect, when) not in self._known:
            self._known.add((effect, when))
            self._say("seen", effect, when)
        if self.arm is None or self.arm[:2] != (effect, when) or self._armed is None or not self._armed[0]:
            return
        self.arm = (effect, when, self.arm[2] - 1)
        if self.arm[2] < 0:
            self._say("hit", effect, when)
            os.kill(os.getpid(), signal.SIGKILL)

    def _say(self, *words: str) -> None:
        os.write(self._out, (json.dumps(words) + "\n").encode())

    def around(self, call: Callable[..., Awaitable[Any]], name: Name) -> Callable[..., Awaitable[Any]]:
        """The call with a point on each side, where `name` says what its effect is called."""

        @functools.wraps(call)
        async def between(*args: Any, **kwargs: Any) -> Any:
            effect = name(*args, **kwargs)
            if effect is None:
                return await call(*args, **kwargs)
            self.passing(effect, "before")
            answer = await call(*args, **kwargs)
            self.passing(effect, "after")
            return answer

        return between


def install(points: Points) -> None:
    """Put the points around the libraries' functions, in this process."""
    import aio_pika.channel
    import aio_pika.message
    import aio_pika.queue
    import aiohttp
    import asyncpg

    points.open()
    statement = _Statements()
    table: tuple[tuple[type, str, Name], ...] = (
        (aiohttp.ClientSession, "_request", _request),
        (asyncpg.Connection, "fetch", statement),
        (asyncpg.Connection, "fetchval", statement),
        (asyncpg.Connection, "execute", statement),
        (aio_pika.message.IncomingMessage, "ack", lambda *_, **__: "AMQP ack"),
        (aio_pika.channel.Channel, "declare_queue", _declaration),
        (aio_pika.queue.Queue, "bind", lambda *_, **__: "AMQP bind"),
        (aio_pika.queue.Queue, "consume", lambda *_, **__: "AMQP consume"),
    )
    for owner, method, name in table:
        setattr(owner, method, points.around(getattr(owner, method), name))


def _request(_session: object, method: str, url: object, **options: Any) -> str | None:
    """Such as `POST queue/v1/task/T/runs/N/claim`; the reason of an exception is part of its name."""
    path = re.sub(r"^https?://[^/]+/(api/|plugins/)?", "/", str(url)).partition("?")[0]
    named = TAIL.sub(r"\1…", NUMBER.sub("/N", SLUG.sub("/T", path)))
    effect = f"{method} {named[1:]}"
    if READS.match(effect):
        return None
    if effect.endswith("/exception"):
        effect += f" {json.loads(options['data'])['reason']}"
    return effect


class _Statements:
    """Names statements by the files they stand in; a save by the phases that it makes."""

    def __init__(self) -> None:
        entries = files("sql").joinpath("queries").iterdir()
        texts = {entry.read_text(encoding="utf-8"): entry.name.removesuffix(".sql") for entry in entries}
        self._names = {text.strip(): name for text, name in texts.items() if WRITES.search(text)}

    def __call__(self, _connection: object, text: str, *args: object, **_: object) -> str | None:
        if text == "COMMIT;":
            return "SQL commit"
        name = self._names.get(text.strip())
        if name == "save":
            moves = sorted({f"{each['from_phase'] or 'nothing'}→{each['to_phase']}" for each in json.loads(str(args[1]))})
            return f"SQL save {' '.join(moves)}".rstrip()
        return None if name is None else f"SQL {name}"


def _declaration(*_: object, passive: bool = False, **__: object) -> str | None:
    return None if passive else "AMQP declare"
