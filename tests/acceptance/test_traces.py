"""A run through all services, its build included, is one trace at a real receiver of OTLP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bridge.core.run import RunId, RunKey, TaskId
from bridge.traces.ids import trace_id, whole_id
from tests.acceptance.otlp import Collector, collecting
from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.stack import Stack

TOKEN = "what-the-collector-is-shown"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


@pytest.fixture
async def scene(calm: Stack, collector: Collector, tmp_path: Path) -> AsyncIterator[Scene]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    await calm.stop_services()
    calm.configure({"traces": {"url": collector.url, "token_file": str(token)}})
    await calm.start_services()
    yield Scene(calm)
    await cancel_all(calm)
    await calm.stop_services()


def of_run(collector: Collector, task: str, run: int = 0) -> list[tuple[str, Span]]:
    wanted = trace_id(RunKey(TaskId(task), RunId(run))).to_bytes(16)
    return [(process, span) for process, span in collector.spans if span.trace_id == wanted]


async def test_a_run_is_one_trace_through_all_services_and_its_build(scene: Scene, collector: Collector) -> None:
    (task,) = await scene.running("gate")
    await scene.let(task)
    await scene.run(task, "completed")
    await scene.over()
    published = (await scene.properties(task))["traceparent"]
    await scene.stack.stop_services()  # what is not sent yet is sent at the end
    found = of_run(collector, task)
    names = {span.name for _, span in found}
    assert {"run", "RequestBuild", "ClaimRun", "Report", "hear RequestSeen", "hear TaskSeen"} <= names
    assert {"taskcluster queue.claimTask", "taskcluster queue.createArtifact", "taskcluster queue.reportCompleted"} <= names
    assert any(name.startswith("buildbot PUT runs") for name in names)
    assert len({process for process, _ in found}) > 1
    _hang_together(task, [span for _, span in found])
    _, joined, parent, _ = str(published[0] if isinstance(published, list) else published).split("-")
    assert bytes.fromhex(joined) == found[0][1].trace_id
    assert bytes.fromhex(parent) in {span.span_id for _, span in found}
    assert collector.tokens == {f"Bearer {TOKEN}"}


def _hang_together(task: str, spans: list[Span]) -> None:
    """One span stands for the whole run; every other has a parent that was sent too, and lies within the run's time."""
    (whole,) = [span for span in spans if span.name == "run"]
    assert whole.span_id == whole_id(RunKey(TaskId(task), RunId(0))).to_bytes(8)
    assert not whole.parent_span_id
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans)
    assert [span.name for span in spans if span is not whole and span.parent_span_id not in ids] == []
    assert whole.start_time_unix_nano <= min(span.start_time_unix_nano for span in spans)
