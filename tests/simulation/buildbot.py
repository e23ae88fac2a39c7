"""A Buildbot: its database of requests and builds, and the master that works through them.

What is in the database survives a kill of the master; messages inside it, cancels among them, do not.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from bridge.buildbot.answers import Change
from bridge.core.record import Output
from bridge.core.request import MASTER_SHUTDOWN, BuildState, RequestState
from tests.simulation.fabric import EPOCH
from tests.simulation.loop import VirtualLoop

SUCCESS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED = 0, 2, 3, 4, 5, 6
_RING = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a build goes: seconds, and Buildbot's result. SKIPPED after no time is a build skipped by its own condition.

    `files`: how many it gives to its task before it ends; the task must carry all but the last of several.
    """

    seconds: float = 20.0
    results: int = SUCCESS
    files: int = 0


@dataclass(slots=True, eq=False)
class Build:
    """A build as the database has it; times are seconds of the simulation."""

    id: int
    worker: str
    started: float
    ended: float | None = None
    results: int | None = None
    interrupted: bool = False
    spool: dict[int, tuple[Output, bytes]] = field(default_factory=dict)
    """The files that it gave away and that wait still, by number."""
    mandatory: tuple[str, ...] = ()
    """The names of those that its task must carry."""


@dataclass(slots=True, eq=False)
class Request:
    """A build request; `rebuilt` ones carry somebody's key and are nobody's."""

    id: int
    key: str
    builder: str
    priority: int
    submitted: float
    rebuilt: bool = False
    claimed: bool = False
    complete: bool = False
    results: int | None = None
    completed: float | None = None
    shutdown: bool = False
    builds: list[Build] = field(default_factory=list)
    known: RequestState | None = None
    """What was last read; None since it changed."""

    @property
    def running(self) -> Build | None:
        return self.builds[-1] if self.builds and self.builds[-1].ended is None else None


Script = Callable[[str, int], Outcome]
"""How the build of a request goes: its key, and how many builds the task had before."""


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(EPOCH + int(seconds), UTC)  # Buildbot's times are whole seconds


class Master:
    """The master. `note` hears of each change for the history; times in seconds."""

    def __init__(
        self, loop: VirtualLoop, builders: dict[str, int], script: Script, note: Callable[[str, str, object], None]
    ) -> None:
        self.loop, self.script, self._note = loop, script, note
        self.builders = builders
        self.cap = 200
        self.requests: dict[int, Request] = {}
        self.erased: list[Request] = []
        self._next_request, self._next_build = 1, 1
        self.up, self.stopping = True, False
        self.life = 0
        self.deaf_until = 0.0  # until then cancels are accepted and come to nothing
        self.hidden_until = 0.0  # until then reads by number find nothing, as from a database that is being restored
        self._busy: dict[str, int] = dict.fromkeys(builders, 0)
        self._made: dict[str, int] = {}
        self.seq = 0
        self.ring: deque[tuple[int, Change]] = deque(maxlen=_RING)
        self._waiting: list[Callable[[], None]] = []

    @property
    def epoch(self) -> str:
        return f"life {self.life}"

    # --- what the plugin asks

    def request_of(self, key: str) -> Request | None:
        """The request made under a key; what the Rebuild button made does not count."""
        for request in self.requests.values():  # no generator: this is asked for all the time
            if request.key == key and not request.rebuilt:
                return request
        return None

    def ours(self) -> Iterable[Request]:
        """All requests that the plugin shows."""
        return (request for request in self.requests.values() if not request.rebuilt)

    def pending(self, builder: str) -> int:
        return sum(
            1 for each in self.requests.values() if each.builder == builder and not each.claimed and not each.complete
        )

    def state(self, request: Request) -> RequestState:
        """The request as a read shows it."""
        if request.known is None:
            request.known = RequestState(
                request_id=request.id,
                external_id=request.key,
                claimed=request.claimed,
                complete=request.complete,
                results=request.results,
                complete_at=None if request.completed is None else _moment(request.completed),
                submitted_at=_moment(request.submitted),
                priority=request.priority,
                master_shutdown=request.shutdown,
                builds=tuple(map(_build_state, request.builds)),
            )
        return request.known

    def submit(self, key: str, builder: str, priority: int, *, rebuilt: bool = False) -> Request:
        """Make a request; whoever asks has looked first."""
        request = Request(self._next_request, key, builder, priority, self.loop.now, rebuilt)
        self._next_request += 1
        self.requests[request.id] = request
        self._tell(request, "request.created")
        self.loop.later(0.03, self._consider, self.life, builder)
        return request

    def cancel(self, request: Request) -> None:
        """Send the message inside the master that ends a request, as plugin and web page do."""
        if self.loop.now >= self.deaf_until:
            self.loop.later(0.02, self._cancel, self.life, request)

    def wait(self, woken: Callable[[], None]) -> None:
        """Have somebody called at the next change, or when the master ends."""
        self._waiting.append(woken)

    # --- the master's work

    def _changed(self, request: Request) -> None:
        request.known = None

    def _tell(self, request: Request, event: str, build: Build | None = None) -> None:
        request.known = None
        self._note(
            "buildbot",
            event,
            (request.id, request.key, None if build is None else (build.id, build.results), request.results),
        )
        if request.rebuilt or not self.up:
            return
        self.seq += 1
        results = build.results if build is not None else request.results
        at = datetime.fromtimestamp(EPOCH + int(self.loop.now), UTC)
        change = Change(request.id, event, request.key, at, results, None if build is None else build.id)
        self.ring.append((self.seq, change))
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            self.loop.later(0.02, woken)

    def _consider(self, life: int, builder: str) -> None:
        if life != self.life or not self.up or self.stopping:
            return
        while self._busy[builder] < self.builders[builder]:
            waiting = [r for r in self.requests.values() if r.builder == builder and not r.claimed and not r.complete]
            if not waiting:
                return
            request = min(waiting, key=lambda each: (-each.priority, each.id))
            request.claimed = True
            self._busy[builder] += 1
            self._tell(request, "request.claimed")
            self.loop.later(0.06, self._start, life, request)

    def _start(self, life: int, request: Request) -> None:
        if life != self.life or not self.up or request.complete:
            return
        task = request.key.partition("/")[0]
        before = self._made.get(task, 0)
        outcome = Outcome() if request.rebuilt else self.script(request.key, before)
        if not request.rebuilt:
            self._made[task] = before + 1
        build = Build(self._next_build, f"worker-{request.builder}", self.loop.now)
        self._next_build += 1
        request.builds.append(build)
        skipped = outcome.results == SKIPPED and outcome.seconds == 0
        if not skipped:
            self._tell(request, "build.started", build)
        self.loop.later(outcome.seconds * 0.9, self._give, life, build, outcome.files)
        self.loop.later(outcome.seconds, self._finish, life, request, build, outcome.results)

    def _give(self, life: int, build: Build, files: int) -> None:
        if life == self.life and build.ended is None:
            build.spool = {number: _file(build, number, last=files > 1 and number == files - 1) for number in range(files)}
            build.mandatory = tuple(output.name for output, _ in build.spool.values() if output.mandatory)

    def _finish(self, life: int, request: Request, build: Build, results: int) -> None:
        if life != self.life or build.ended is not None:
            return
        build.ended, build.results = self.loop.now, results
        self._tell(request, "build.finished", build)
        # A busy master takes its time from a build's end to its request's.
        self.loop.later(2.0 if build.id % 3 == 0 else 0.08, self._close, life, request, results)

    def _close(self, life: int, request: Request, results: int) -> None:
        if life != self.life or request.complete:
            return
        self._busy[request.builder] -= 1
        if results == RETRY:
            request.claimed = False
            self._tell(request, "request.unclaimed")
        else:
            self._complete(request, results)
        self.loop.later(0.03, self._consider, life, request.builder)

    def _complete(self, request: Request, results: int) -> None:
        request.complete, request.claimed, request.results, request.completed = True, True, results, self.loop.now
        self._tell(request, "request.completed")

    def _cancel(self, life: int, request: Request) -> None:
        if life != self.life or request.complete or request.id not in self.requests:
            return
        build = request.running
        if build is not None:
            self.loop.later(0.3, self._finish, life, request, build, CANCELLED)
        elif not request.claimed:
            self._complete(request, CANCELLED)
        elif not request.builds or request.builds[-1].results == RETRY:  # between the claim and the start
            self._busy[request.builder] -= 1
            self._complete(request, CANCELLED)

    # --- what happens to it

    def lose_worker(self) -> None:
        """The worker of the oldest running build goes away."""
        request = next((each for each in self.requests.values() if each.running), None)
        if request is not None and self.up and request.running is not None:
            self._finish(self.life, request, request.running, RETRY)

    def collapse(self, key: str) -> None:
        """A site's own rule merges a pending request into another one."""
        request = self.request_of(key)
        if request is not None and not request.claimed and not request.complete:
            self._complete(request, SKIPPED)

    def rebuild(self, key: str) -> None:
        """Somebody presses the Rebuild button: key and properties are copied."""
        request = self.request_of(key)
        if request is not None and self.up:
            self.submit(key, request.builder, request.priority, rebuilt=True)

    def erase(self, count: int) -> None:
        """The database is restored from a backup: the newest requests are gone, and their numbers are given anew."""
        for number in heapq.nlargest(count, self.requests):
            self.erased.append(self.requests.pop(number))
        self._next_request = max(self.requests, default=0) + 1

    def kill(self, down: float) -> None:
        """Kill -9, and start again after so many seconds."""
        if not self.up:
            return
        self._note("buildbot", "killed", down)
        self._die()
        self.loop.later(down, self._boot)

    def stop(self, down: float) -> None:
        """Stop in good order: running builds and their requests end CANCELLED; start again after so many seconds."""
        if not self.up:
            return
        self._note("buildbot", "stopping", down)
        self.stopping = True
        for request in self.requests.values():
            if (build := request.running) is not None:
                build.ended, build.results, build.interrupted = self.loop.now, CANCELLED, True
                self._tell(request, "build.finished", build)
                request.shutdown = True
                self._complete(request, CANCELLED)
        self.loop.later(0.5, self._leave, self.life, down)

    def _leave(self, life: int, down: float) -> None:
        if life == self.life:
            self._die()
            self.loop.later(down, self._boot)

    def _die(self) -> None:
        self.up = False
        self.life += 1
        self._wake()

    def _boot(self) -> None:
        """At a start builds of the former life end RETRY and requests are unclaimed, without any event."""
        self.up, self.stopping, self.seq = True, False, 0
        self.ring.clear()
        self._busy = dict.fromkeys(self.builders, 0)
        for request in self.requests.values():
            if (build := request.running) is not None:
                build.ended, build.results = self.loop.now, RETRY
            if not request.complete:
                request.claimed = False
            self._changed(request)
        self._note("buildbot", "started", self.life)
        for builder in self.builders:
            self.loop.later(0.5, self._consider, self.life, builder)


def _build_state(build: Build) -> BuildState:
    return BuildState(
        build_id=build.id,
        number=build.id,
        builder_id=1,
        worker=build.worker,
        started_at=_moment(build.started),
        complete_at=None if build.ended is None else _moment(build.ended),
        results=build.results,
        interrupted=MASTER_SHUTDOWN if build.interrupted else None,
        state_string="" if build.ended is None else "ended",
    )


def _file(build: Build, number: int, *, last: bool) -> tuple[Output, bytes]:
    body = f"file {number} of build {build.id}\n".encode() * 10
    name, digest = f"public/build/{number}", sha256(body).hexdigest()
    return Output(number, name, "text/plain", None, mandatory=not last, size=len(body), sha256=digest), body
