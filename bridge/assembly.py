"""Puts the rooms together, from settings to an engine that works. The only place that knows them all."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import aiohttp
from aiolimiter import AsyncLimiter

from bridge import logs
from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from bridge.buildbot.exchange import Exchange
from bridge.core import admission
from bridge.core.order import Definition, LeftAlone, Order, Policy, Refusal
from bridge.core.run import RunKey
from bridge.core.status import TaskStatus
from bridge.core.steering import Stop
from bridge.engine.backoff import Backoff
from bridge.engine.crew import Crew
from bridge.engine.engine import Engine
from bridge.engine.observer import Observer
from bridge.engine.pool import Pool
from bridge.engine.sweeps import Sweeps
from bridge.engine.tracing import Tracing, Untraced
from bridge.livelog.address import Grant, address
from bridge.published.provenance import Signer
from bridge.published.publisher import Publisher
from bridge.published.redaction import Redactor
from bridge.service import StartRefusedError
from bridge.settings import Settings
from bridge.settings.artifacts import ArtifactsSettings
from bridge.settings.livelog import LiveLogSettings
from bridge.store import database
from bridge.store.clock import DatabaseClock
from bridge.store.database import Database
from bridge.store.runs import Runs
from bridge.store.steering import Orders
from bridge.taskcluster import payload
from bridge.taskcluster.artifacts import Storage, Uploads
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.queue import Queue
from bridge.taskcluster.session import open_session
from bridge.web.health import release

Told = Callable[[str, str, str, float], None]
"""Hears of each outside call: the side (`taskcluster`, `buildbot`), the call, `ok` or the kind of fault, and seconds."""
_SHARE_OF_OTHERS = 0.8  # of all calls to Taskcluster; the rest is kept for those that renew, claim and report
_CONNECT = 10.0  # seconds for a TCP and TLS connection to be made


@dataclass(frozen=True, slots=True)
class Admission:
    """Judges a task: its payload by the schema, its scopes with roles expanded, the rest by the core."""

    queue: Queue
    expand_roles: bool

    async def __call__(
        self, key: RunKey, definition: Definition, status: TaskStatus, policy: Policy
    ) -> Order | Refusal | LeftAlone:
        """Raise `Unavailable` while roles cannot be expanded: then the run waits, it is not refused."""
        read = payload.read(definition.payload)
        if isinstance(read, list):
            return admission.refusal(read)
        scopes = frozenset(definition.scopes)
        judged = admission.judge(key, read, scopes, status, policy)
        if not (isinstance(judged, Refusal) and self.expand_roles and admission.needs_expansion(scopes)):
            return judged
        return admission.judge(key, read, await self.queue.expanded(sorted(scopes)), status, policy)


@dataclass(frozen=True, slots=True)
class House:
    """What every service works with."""

    settings: Settings
    database: Database
    clock: DatabaseClock
    queue: Queue
    buildbots: Mapping[str, Buildbot]
    engine: Engine
    crew: Crew
    sweeps: Sweeps

    def pools_of(self, buildbot: str) -> list[Pool]:
        """The pools that one Buildbot serves."""
        named = self.settings.pools
        return [pool for name, pool in self.engine.pools.items() if named[name].buildbot == buildbot]


@asynccontextmanager
async def opened(
    settings: Settings, me: str, observer: Observer, told: Told, *, read_only: bool = False
) -> AsyncIterator[House]:
    """Open everything that a service works with; closed in the opposite order. Nobody is called yet.

    `me` is the process's name in leases and transitions; `told` hears of each outside call. With `read_only` the database
    refuses every write of this process.
    """
    async with AsyncExitStack() as stack:
        traced = await _traced(settings, me, told, stack)
        store = await stack.enter_async_context(
            database.opened(settings.database.address, size=settings.database.pool_size, name=me, read_only=read_only)
        )
        queue = await _queue(settings, partial(traced.told, "taskcluster"), observer, stack)
        buildbots = {name: await _buildbot(settings, name, traced, stack) for name in settings.buildbots}
        builds = {name: BuildbotBuilds(client) for name, client in buildbots.items()}
        pools = {name: _pool(settings, name, builds) for name in settings.pools}
        clock = DatabaseClock()
        engine = Engine(
            me=me,
            runs=Runs(store, me, tuple(pools)),
            queue=queue,
            pools=pools,
            admit=Admission(queue, settings.taskcluster.expand_roles),
            clock=clock,
            backoff=Backoff(random.Random()),  # noqa: S311  spreads calls, guards nothing
            observer=observer,
            steering=Orders(store, _steered),
            tracing=traced.tracing,
        )
        yield House(settings, store, clock, queue, buildbots, engine, Crew(engine), Sweeps(engine))


@dataclass(frozen=True, slots=True)
class _Traced:
    """Whom runs are followed by, who hears of calls, and what a call to Buildbot carries along."""

    told: Told
    tracing: Tracing = field(default_factory=Untraced)
    headers: Callable[[], Mapping[str, str]] = dict


async def _traced(settings: Settings, me: str, told: Told, stack: AsyncExitStack) -> _Traced:
    """Load OpenTelemetry only where the settings want traces."""
    section = settings.traces
    if section.url is None:
        return _Traced(told)
    try:
        from bridge.traces import tracer as traces
    except ModuleNotFoundError as lacking:
        raise StartRefusedError(
            f'traces.url: {lacking.name} is missing; install the extra: pip install "buildbot-bridge[services,traces]"'
        ) from lacking
    tracer = await stack.enter_async_context(
        traces.opened(traces.Collector(section.url, section.bearer, section.share, section.timeout), me)
    )

    def both(side: str, api: str, outcome: str, seconds: float) -> None:
        told(side, api, outcome, seconds)
        tracer.call(side, api, outcome, seconds)

    return _Traced(both, tracer, tracer.headers)


def _steered(stops: Sequence[Stop]) -> None:
    """Tell each time when operators gave or lifted an order."""
    logs.logger().warning("stops_changed", stops=[stop.words for stop in stops])


async def _queue(
    settings: Settings, told: Callable[[str, str, float], None], observer: Observer, stack: AsyncExitStack
) -> Queue:
    section = settings.taskcluster

    def skewed(seconds: float) -> None:
        observer.alarm("clock_skew", None, f"this machine's clock is {seconds:+.0f} s off Taskcluster's")

    session = await stack.enter_async_context(open_session(section.timeout, skewed))
    rate = section.calls_per_second
    calls = Calls(section.root_url, session, _limiter(rate), told, others=_limiter(rate * _SHARE_OF_OTHERS))

    def permanent() -> Credentials:
        certificate = section.certificate_text
        return Credentials(section.client_id, section.token(), certificate() if certificate else None)

    return Queue(calls, permanent, Uploads(calls, Storage(section.artifact_storage)))


async def _buildbot(settings: Settings, name: str, traced: _Traced, stack: AsyncExitStack) -> Buildbot:
    section = settings.buildbots[name]
    session = await stack.enter_async_context(_session(section.timeout + section.changes_wait))
    limiter = _limiter(section.calls_per_second)
    tell, more = partial(traced.told, "buildbot"), traced.headers
    exchange = Exchange(session, section.url, section.bearer, limiter, timeout=section.timeout, told=tell, more=more)
    return Buildbot(exchange)


def _session(timeout: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT))


def _limiter(calls_per_second: float) -> AsyncLimiter:
    """A tenth of a second's worth may go at once, so that a burst is spread and not refused."""
    burst = max(1.0, calls_per_second / 10)
    return AsyncLimiter(burst, burst / calls_per_second)


def _pool(settings: Settings, name: str, builds: Mapping[str, BuildbotBuilds]) -> Pool:
    section = settings.pools[name]
    return Pool(
        name=name,
        task_queue_id=section.task_queue,
        rules=settings.rules(name),
        policy=replace(section.policy(), root_url=settings.taskcluster.root_url),
        builds=builds[section.buildbot],
        redact=section.artifacts.redacted,
        published=_published(settings, section.artifacts),
        upload_limit=section.upload_limit,
        mandatory_limit=timedelta(seconds=section.artifacts.mandatory_limit),
        outputs=section.artifacts.limits(),
        log_bytes=section.artifacts.log_bytes,
        live=None if settings.live_log.public_url is None else partial(_live, settings.live_log, name),
    )


def _published(settings: Settings, section: ArtifactsSettings) -> Publisher:
    key = settings.provenance.signing if settings.provenance.enabled else None
    redactor = Redactor(settings.secret_texts, section.redact, section.redact_text)
    return Publisher(redactor, release(), settings.provenance.enabled, Signer(key) if key else None)


def _live(section: LiveLogSettings, pool: str, key: RunKey, build: int, request: str, until: datetime) -> str | None:  # noqa: PLR0913, PLR0917
    """The address of a live log; none while there is no key that is long enough."""
    keys = section.keys
    return address(section.public_url or "", keys[0], Grant(key, pool, build, request), until) if keys else None
