"""Spans of a run, whichever process makes them, are of one trace and hang together."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from subprocess import run

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from bridge.coalesce import Coalescer
from bridge.core.run import Run, RunId, RunKey, Settled, TaskId, Wanted
from bridge.traces.ids import trace_id, whole_id
from bridge.traces.tracer import Tracer, _Ids, ended

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY, OTHER = RunKey(TaskId("A" * 22), RunId(0)), RunKey(TaskId("A" * 22), RunId(1))
WANTED = Run(KEY, "linux", Wanted(), AT, AT)


def process(memory: InMemorySpanExporter, share: float = 1.0) -> Tracer:
    """A tracer as a process of its own has it; all send to one memory."""
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), id_generator=_Ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return Tracer(provider, share)


@pytest.fixture
def memory() -> Iterator[InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    yield memory
    memory.shutdown()


def found(memory: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in memory.get_finished_spans()}


def test_ids_are_made_of_the_name_alone_and_differ_from_run_to_run() -> None:
    assert (trace_id(KEY), whole_id(KEY)) == (trace_id(RunKey(TaskId("A" * 22), RunId(0))), whole_id(KEY))
    assert len({trace_id(KEY), trace_id(OTHER)}) == len({whole_id(KEY), whole_id(OTHER)}) == 2


def test_two_processes_make_one_trace_below_the_span_of_the_whole_run(memory: InMemorySpanExporter) -> None:
    first, second = process(memory), process(memory)
    with first.span(KEY, "RequestBuild"):
        first.call("buildbot", "PUT runs", "ok", 0.25)
    with second.span(KEY, "Report"), second.span(KEY, "hear TaskSeen"):
        second.moved(WANTED, replace(WANTED, phase=Settled("completed")), "Taskcluster says: completed")
    spans = found(memory)
    assert {span.context.trace_id for span in spans.values()} == {trace_id(KEY)}
    assert spans["run"].context.span_id == whole_id(KEY)
    assert spans["run"].parent is None
    assert spans["RequestBuild"].parent.span_id == spans["Report"].parent.span_id == whole_id(KEY)
    assert spans["hear TaskSeen"].parent.span_id == spans["Report"].context.span_id
    call = spans["buildbot PUT runs"]
    assert call.parent.span_id == spans["RequestBuild"].context.span_id
    assert ((call.end_time or 0) - (call.start_time or 0)) / 1e9 == pytest.approx(0.25)
    assert [event.name for event in spans["hear TaskSeen"].events] == ["wanted → settled"]
    assert dict(spans["run"].attributes or {})["bridge.outcome"] == "completed"


def test_a_span_of_another_run_is_of_another_trace(memory: InMemorySpanExporter) -> None:
    tracer = process(memory)
    with tracer.span(KEY, "outer"), tracer.span(OTHER, "inner"):
        pass
    assert found(memory)["inner"].context.trace_id == trace_id(OTHER)


def test_a_call_for_nobody_or_one_that_failed(memory: InMemorySpanExporter) -> None:
    tracer = process(memory)
    tracer.call("taskcluster", "queue.statuses", "ok", 0.1)
    assert found(memory) == {}
    assert tracer.headers() == {}
    with tracer.span(KEY, "ClaimRun"):
        tracer.call("taskcluster", "queue.claimTask", "Unavailable", 0.1)
        assert tracer.headers()["traceparent"].startswith(f"00-{trace_id(KEY):032x}-")
    assert not found(memory)["taskcluster queue.claimTask"].status.is_ok


def test_all_processes_agree_on_which_runs_are_followed(memory: InMemorySpanExporter) -> None:
    keys = [RunKey(TaskId("A" * 22), RunId(number)) for number in range(400)]
    for share in (0.0, 0.3, 1.0):
        memory.clear()
        for key in keys:
            for tracer in (process(memory, share), process(memory, share)):
                with tracer.span(key, "Look"):
                    pass
                tracer.moved(None, replace(WANTED, key=key, phase=Settled("gone")), "it is gone")
        per_run = [sum(span.context.trace_id == trace_id(key) for span in memory.get_finished_spans()) for key in keys]
        assert set(per_run) <= {0, 4}
        assert sum(map(bool, per_run)) == pytest.approx(400 * share, abs=40)


async def test_a_read_for_many_runs_is_in_the_trace_of_none(memory: InMemorySpanExporter) -> None:
    tracer = process(memory)

    async def fetch(keys: Sequence[RunKey]) -> dict[RunKey, int]:
        tracer.call("buildbot", "POST requests", "ok", 0.1)
        return dict.fromkeys(keys, 1)

    reads = Coalescer(fetch, most=10)

    async def look(key: RunKey) -> int | None:
        with tracer.span(key, "Look"):
            return await reads.get(key)

    assert all(await asyncio.gather(look(KEY), look(OTHER)))
    assert [span.name for span in memory.get_finished_spans()] == ["Look", "Look"]


class Away(SpanExporter):
    """A collector that takes spans and does not answer until `open`; `most` seconds, so that a test ends."""

    def __init__(self, most: float) -> None:
        self.open, self.most = threading.Event(), most

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.open.wait(self.most)
        return SpanExportResult.FAILURE


def test_a_collector_that_is_away_does_not_hold_up_the_end_of_the_process() -> None:
    away = Away(most=20)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(away))
    provider.get_tracer("test").start_span("one").end()
    began = time.monotonic()
    asyncio.run(ended(provider, 0.1))  # which waits for threads of its own, as the process does
    took, late = time.monotonic() - began, [each for each in threading.enumerate() if each.name == "last spans"]
    away.open.set()
    assert took < away.most / 2
    assert all(each.daemon for each in late)


async def test_what_is_left_at_the_end_is_sent() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(memory))
    provider.get_tracer("test").start_span("one").end()
    await ended(provider, 10)
    assert [span.name for span in memory.get_finished_spans()] == ["one"]


def test_without_traces_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys, bridge.assembly, bridge.cli, bridge.cli.serving, listeners.taskcluster, listeners.buildbot, "
        "reflector.service; print([name for name in sys.modules if name.startswith(('opentelemetry', 'google'))])"
    )
    said = run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
