"""What every finished run carries: the build's properties, a log in plain words, and the way to Buildbot's page."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.request import BuildState, RequestState
from bridge.core.run import BuildId, Run, request_of
from bridge.engine.words import results_name

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

PROPERTIES = "public/properties.json"
LOG = "public/logs/live.log"
PAGE = "public/buildbot/build"


async def attach_build(engine: Engine, run: Run, build: BuildId | None, ending: str) -> None:
    """Attach properties, log and link of a run's build. Raises the faults of the calls; may be repeated."""
    request = request_of(run)
    pool = engine.pool_of(run)
    state = await pool.builds.state(request.id) if request else None
    page = await pool.builds.build_url(state) if state else None
    if build is not None:
        await _properties(engine, run, build)
    await attach_log(engine, run, log_text(run, state, build, page, ending))
    if page is not None:
        await engine.queue.attach(run.key, Artifact(PAGE, "text/html", expires(engine, run), reference=page))


async def _properties(engine: Engine, run: Run, build: BuildId) -> None:
    pool = engine.pool_of(run)
    try:
        found = await pool.builds.properties(build)
    except faults.Missing:
        return  # Buildbot has pruned the build; the log says what is known
    shown = pool.redact(found)
    body = json.dumps({name: list(value) for name, value in sorted(shown.items())}, indent=2, ensure_ascii=True)
    await engine.queue.attach(run.key, Artifact(PROPERTIES, "application/json", expires(engine, run), body=body.encode()))


async def attach_log(engine: Engine, run: Run, text: str) -> None:
    """Attach the log."""
    await engine.queue.attach(run.key, Artifact(LOG, "text/plain; charset=utf-8", expires(engine, run), body=text.encode()))


def expires(engine: Engine, run: Run) -> datetime:
    """Artifacts live as long as their task, never longer."""
    return run.facts.expires if run.facts else engine.clock.now()


def log_text(run: Run, state: RequestState | None, build: BuildId | None, page: str | None, ending: str) -> str:
    """The log: what was built, where, when, how it ended, and where its steps can be read."""
    own = next((b for b in state.builds if b.build_id == build), None) if state else None
    lines = [f"Taskcluster task {run.key.task_id}, run {run.key.run_id}", f"Buildbot builder {run.builder or '(unknown)'}"]
    lines += [f"Build request {state.request_id}"] if state else []
    lines += _build_lines(own) if own else ["No build was started."]
    lines += [f"Steps and their logs: {page}"] if page else []
    return "\n".join([*lines, "", ending, ""])


def _build_lines(build: BuildState) -> list[str]:
    ended = f"{build.complete_at:%Y-%m-%d %H:%M:%S} UTC" if build.complete_at else "not yet"
    return [
        f"Build {build.number} (id {build.build_id}) on worker {build.worker}",
        f"Started {build.started_at:%Y-%m-%d %H:%M:%S} UTC, ended {ended}",
        f"Result {results_name(build.results)}: {build.state_string}",
    ]
