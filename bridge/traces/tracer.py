"""Spans by OpenTelemetry, sent to a collector over HTTP."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import requests
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bridge.core.run import Run, RunKey, Settled
from bridge.traces.ids import trace_id, whole_id

_LAST: Final = 5.0  # seconds at the end for what is not sent yet
_NANO: Final = 1_000_000_000
_forced: ContextVar[tuple[int, int] | None] = ContextVar("forced", default=None)


class _Ids(RandomIdGenerator):
    """Random ids, but for the span of a whole run."""

    def generate_span_id(self) -> int:
        forced = _forced.get()
        return forced[1] if forced is not None else super().generate_span_id()

    def generate_trace_id(self) -> int:
        forced = _forced.get()
        return forced[0] if forced is not None else super().generate_trace_id()


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans go. `share`: of how many runs, from 0 to 1. `token` is asked at each sending; `timeout` in seconds."""

    url: str
    token: Callable[[], str] | None
    share: float
    timeout: float


class Tracer:
    """Makes spans for runs; fits the engine's `Tracing`."""

    def __init__(self, provider: TracerProvider, share: float) -> None:
        self._tracer = provider.get_tracer("buildbot-bridge")
        self._sampler = TraceIdRatioBased(share)

    @contextmanager
    def span(self, key: RunKey, name: str) -> Iterator[None]:
        """A span while inside: below the one that is open, if that is of the same run, else below the whole run."""
        said = _named(key)
        with self._tracer.start_as_current_span(name, context=self._above(key), attributes=said):
            yield

    def _above(self, key: RunKey) -> Context | None:
        if trace.get_current_span().get_span_context().trace_id == trace_id(key):
            return None  # the open one
        sampled = self._sampler.should_sample(None, trace_id(key), "run").decision is Decision.RECORD_AND_SAMPLE
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if sampled else trace.TraceFlags.DEFAULT)
        whole = trace.SpanContext(trace_id(key), whole_id(key), is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(whole), Context())

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        """Note a change of phase in the open span; a run that is settled gets the span that stands for the whole of it."""
        was, now = (_phase(before) if before is not None else "new"), _phase(after)
        trace.get_current_span().add_event(f"{was} → {now}", {"because": because})
        if isinstance(after.phase, Settled):
            self._whole(after, after.phase.outcome)

    def _whole(self, run: Run, outcome: str) -> None:
        said = {**_named(run.key), "bridge.pool": run.pool, "bridge.outcome": outcome}
        if run.builder is not None:
            said["buildbot.builder"] = run.builder
        began = None if run.facts is None else int(run.facts.scheduled.timestamp() * _NANO)
        token = _forced.set((trace_id(run.key), whole_id(run.key)))
        try:
            self._tracer.start_span("run", context=Context(), attributes=said, start_time=began).end()
        finally:
            _forced.reset(token)

    def call(self, side: str, api: str, outcome: str, seconds: float) -> None:
        """A span for a call that has just ended; one that was for many runs at once is nobody's."""
        above = trace.get_current_span()
        if not above.is_recording():
            return
        now = time.time_ns()
        said = {"bridge.side": side, "bridge.outcome": outcome}
        span = self._tracer.start_span(
            f"{side} {api}", kind=trace.SpanKind.CLIENT, attributes=said, start_time=now - int(seconds * _NANO)
        )
        if outcome != "ok":
            span.set_status(trace.StatusCode.ERROR, outcome)
        span.end(now)

    def headers(self) -> Mapping[str, str]:
        """The W3C headers of the open span, for whoever is called."""
        carried: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carried)
        return carried


@asynccontextmanager
async def opened(collector: Collector, me: str) -> AsyncIterator[Tracer]:
    """Make spans while inside; what is not sent some seconds after the end is dropped. `me`: this process's name."""
    resource = Resource.create({"service.name": "buildbot-bridge", "service.instance.id": me})
    sampler = ParentBased(TraceIdRatioBased(collector.share))
    provider = TracerProvider(sampler=sampler, id_generator=_Ids(), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter(collector)))
    try:
        yield Tracer(provider, collector.share)
    finally:
        await ended(provider, _LAST)


async def ended(provider: TracerProvider, within: float) -> None:
    """Send what is left, for so many seconds at most; after that it is dropped, and holds up nobody.

    In a thread of our own: the process would wait for one of asyncio's for as long as a collector that is away is tried.
    """
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=end, name="last spans", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await over.wait()


def _exporter(collector: Collector) -> OTLPSpanExporter:
    session = requests.Session()
    if (token := collector.token) is not None:

        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {token()}"
            return request

        session.auth = signed
    return OTLPSpanExporter(endpoint=collector.url, timeout=collector.timeout, session=session)


def _named(key: RunKey) -> dict[str, str | int]:
    return {"taskcluster.task_id": str(key.task_id), "taskcluster.run_id": int(key.run_id)}


def _phase(run: Run) -> str:
    return type(run.phase).__name__.lower()
