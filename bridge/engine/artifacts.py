"""What every finished run carries: its build's outputs, properties, facts and log, and the way to Buildbot's page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bridge.core.artifact import Artifact
from bridge.core.record import BuildRecord, LogPiece
from bridge.core.request import BuildState, RequestState
from bridge.core.run import BuildId, Run, request_of
from bridge.engine.logfile import capped, written
from bridge.engine.ports import Builds, Redact
from bridge.engine.transcript import transcript
from bridge.engine.words import results_name

if TYPE_CHECKING:
    from bridge.engine.attaching import Attachment
    from bridge.engine.engine import Engine

PROPERTIES: Final = "public/properties.json"
FACTS: Final = "public/buildbot/build.json"
PAGE: Final = "public/buildbot/build"
LIVE: Final = "public/logs/live.log"
BACKING: Final = "public/logs/live_backing.log"
"""Taskcluster's pages look for the first, Treeherder for the second."""
PROVENANCE: Final = "public/buildbot/provenance.json"
TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class _Build:
    """What was read of the build for all that is written about it; None where Buildbot has pruned it."""

    state: RequestState | None
    own: BuildId | None
    record: BuildRecord | None
    properties: Mapping[str, tuple[object, str]] | None
    page: str | None


async def attach_documents(this: Attachment, build: BuildId | None, ending: str) -> None:
    """Attach all but the outputs. Raises the faults of the calls; may be repeated."""
    found = await _read(this, build)
    redact = this.pool.published.redactor(found.properties or {})
    await this.part(PROPERTIES, _properties(this, found))
    await this.part(FACTS, _facts(this, found, redact))
    await this.part(PAGE, _page(this, found))
    await this.part(BACKING, _log(this, found, redact, ending))
    await this.part(PROVENANCE, _provenance(this, found))


async def _read(this: Attachment, build: BuildId | None) -> _Build:
    builds, request = this.pool.builds, request_of(this.run)
    state = await this.read("the build request", builds.state(request.id)) if request else None
    page = await this.read("Buildbot's address", builds.build_url(state)) if state else None
    if build is None:
        return _Build(state, None, None, None, page)
    properties = await this.read("the build's properties", builds.properties(build))
    # Without them nobody knows which secrets are in its log.
    record = None if properties is None else await this.read("the build's steps", builds.record(build))
    return _Build(state, build, record, properties, page)


async def _page(this: Attachment, build: _Build) -> None:
    if build.page is not None:
        await this.attach(Artifact(PAGE, "text/html", expires(this.engine, this.run), reference=build.page))


async def _properties(this: Attachment, build: _Build) -> None:
    if build.properties is None:
        return
    shown = this.pool.redact(build.properties)
    body = json.dumps({name: list(value) for name, value in sorted(shown.items())}, indent=2, ensure_ascii=True)
    await this.attach(Artifact(PROPERTIES, JSON, expires(this.engine, this.run), body=body.encode()))


async def _facts(this: Attachment, build: _Build, redact: Redact) -> None:
    if build.state is None or build.record is None:
        return
    body = this.pool.published.facts(this.run, build.state, build.record, build.page, redact)
    await this.attach(Artifact(FACTS, JSON, expires(this.engine, this.run), body=body))


async def _log(this: Attachment, build: _Build, redact: Redact, ending: str) -> None:
    """The log of a run with a build is stored under the name that lasts, and the live name leads there."""
    if build.own is None:
        text = redact(_opening(this.run, build)) + _closing(this, ending)
        await this.attach(Artifact(LIVE, TEXT, expires(this.engine, this.run), body=text.encode("utf-8", "replace")))
        return
    if BACKING not in this.stored:
        async with written(_pieces(this, build, redact, ending), encoded=this.engine.queue.encodes) as log:
            source, plain = log.source, log.plain(BACKING)
            await this.attach(Artifact(BACKING, TEXT, expires(this.engine, this.run), source=source), plain=plain)
    if BACKING not in this.stored:
        return  # no link to what is not there
    address = this.engine.queue.artifact_address(this.run.key, BACKING)
    await this.attach(Artifact(LIVE, TEXT, expires(this.engine, this.run), reference=address))


async def _pieces(this: Attachment, build: _Build, redact: Redact, ending: str) -> AsyncIterator[str]:
    yield redact(_opening(this.run, build))
    if build.record is not None:
        async for piece in _steps(this, build.record, redact):
            yield piece
    yield _closing(this, ending)


async def _steps(this: Attachment, record: BuildRecord, redact: Redact) -> AsyncIterator[str]:
    """What the steps wrote, as far as Buildbot gives it."""
    cut = f"\n[The rest of the log is left out: the pool allows {this.pool.log_bytes} bytes (artifacts.log_bytes).]\n"
    reading = _Finished(this.pool.builds, record)
    try:
        async for piece in capped(transcript(reading, record.build_id, redact), this.pool.log_bytes, cut):
            yield piece
    except Exception as fault:  # noqa: BLE001  an odd log must not cost the verdict
        this.bear(fault)
        yield redact(f"\n[The rest of the log could not be read: {fault}]\n")


@dataclass(frozen=True, slots=True)
class _Finished:
    """Reads a build of which the record is known."""

    builds: Builds
    known: BuildRecord

    async def record(self, build_id: int) -> BuildRecord:
        return self.known if build_id == self.known.build_id else await self.builds.record(build_id)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        return await self.builds.log_piece(build_id, log_id, first_line)


async def _provenance(this: Attachment, build: _Build) -> None:
    """What the bridge saw of all this, where the pool is to say so."""
    published = this.pool.published
    if not published.attests or build.state is None or build.record is None:
        return
    definition = await this.engine.queue.definition_hash(this.run.key.task_id)
    stored = [each for each in this.stored.values() if each is not None]
    document, signature = published.provenance(this.run, build.state, build.record, build.page, definition, stored)
    until = expires(this.engine, this.run)
    await this.attach(Artifact(PROVENANCE, JSON, until, body=document))
    if signature is not None:
        await this.attach(Artifact(f"{PROVENANCE}.sig", "application/octet-stream", until, body=signature))


async def attach_explanation(engine: Engine, run: Run, text: str) -> None:
    """Say why the run is not built, where its author will look."""
    await engine.queue.attach(run.key, Artifact(LIVE, TEXT, expires(engine, run), body=text.encode("utf-8", "replace")))


def expires(engine: Engine, run: Run) -> datetime:
    """Artifacts live as long as their task, never longer."""
    return run.facts.expires if run.facts else engine.clock.now()


def _opening(run: Run, build: _Build) -> str:
    """The log's first lines: what was built, where, when, how it ended, and where it can be looked at."""
    own = next((b for b in build.state.builds if b.build_id == build.own), None) if build.state else None
    lines = [f"Taskcluster task {run.key.task_id}, run {run.key.run_id}", f"Buildbot builder {run.builder or '(unknown)'}"]
    lines += [f"Build request {build.state.request_id}"] if build.state else []
    lines += _build_lines(own) if own else ["No build was started."]
    lines += [f"Steps and their logs: {build.page}"] if build.page else []
    return "\n".join([*lines, "", ""])


def _closing(this: Attachment, ending: str) -> str:
    return "\n".join(["", *this.notes, ending, ""])


def _build_lines(build: BuildState) -> list[str]:
    ended = f"{build.complete_at:%Y-%m-%d %H:%M:%S} UTC" if build.complete_at else "not yet"
    return [
        f"Build {build.number} (id {build.build_id}) on worker {build.worker}",
        f"Started {build.started_at:%Y-%m-%d %H:%M:%S} UTC, ended {ended}",
        f"Result {results_name(build.results)}: {build.state_string}",
    ]
