"""The questions put to Buildbot's tables about one build of ours, each one statement, as in `rows`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bridge.master.rows import RUN_LIKE


def build(model: Any, build_id: int) -> Any:
    """One build of a request of ours, with names; no row for any other build."""
    build, worker, builder = model.builds, model.workers, model.builders
    joined = _ours(model, build.join(model.buildrequests, build.c.buildrequestid == model.buildrequests.c.id))
    joined = joined.join(builder, build.c.builderid == builder.c.id).outerjoin(worker, build.c.workerid == worker.c.id)
    columns = (
        build.c.id,
        build.c.number,
        build.c.started_at,
        build.c.complete_at,
        build.c.results,
        build.c.state_string,
        builder.c.name.label("builder"),
        worker.c.name.label("worker"),
        model.buildsets.c.external_idstring,
    )
    return sa.select(*columns).select_from(joined).where(build.c.id == build_id)


def _ours(model: Any, joined: Any) -> Any:
    buildset = model.buildsets
    named = sa.and_(buildset.c.external_idstring.like(RUN_LIKE), buildset.c.rebuilt_buildid.is_(None))
    return joined.join(buildset, sa.and_(model.buildrequests.c.buildsetid == buildset.c.id, named))


def steps_of(model: Any, build_id: int) -> Any:
    return model.steps.select().where(model.steps.c.buildid == build_id).order_by(model.steps.c.number)


def logs_of(model: Any, build_id: int) -> Any:
    log, step = model.logs, model.steps
    joined = log.join(step, log.c.stepid == step.c.id)
    return sa.select(*log.c).select_from(joined).where(step.c.buildid == build_id).order_by(log.c.id)


def log(model: Any, build_id: int, log_id: int) -> Any:
    """One log of a build of ours: its kind, whether it or its build is over, and the number of its last line."""
    log, step, build, request = model.logs, model.steps, model.builds, model.buildrequests
    joined = log.join(step, log.c.stepid == step.c.id).join(build, step.c.buildid == build.c.id)
    joined = _ours(model, joined.join(request, build.c.buildrequestid == request.c.id))
    last = sa.select(sa.func.max(model.logchunks.c.last_line)).where(model.logchunks.c.logid == log_id)
    columns = (log.c.type, log.c.complete, build.c.complete_at, last.scalar_subquery().label("last_line"))
    return sa.select(*columns).select_from(joined).where(log.c.id == log_id, build.c.id == build_id)


def chunks(model: Any, log_id: int, first_line: int, limit: int) -> Any:
    """List the chunks that hold line `first_line` and those after it; in the order of an index, so nothing is sorted."""
    chunk = model.logchunks
    columns = chunk.c.first_line, chunk.c.content, chunk.c.compressed
    wanted = sa.and_(chunk.c.logid == log_id, chunk.c.last_line >= first_line)
    return sa.select(*columns).where(wanted).order_by(chunk.c.last_line).limit(limit)


def request_property(model: Any, build_id: int, name: str) -> Any:
    """One property with which the request of a build of ours was made, as JSON of value and source."""
    build, held = model.builds, model.buildset_properties
    joined = _ours(model, build.join(model.buildrequests, build.c.buildrequestid == model.buildrequests.c.id))
    joined = joined.join(held, held.c.buildsetid == model.buildsets.c.id)
    return sa.select(held.c.property_value).select_from(joined).where(build.c.id == build_id, held.c.property_name == name)


def not_over_before(model: Any, build_ids: Sequence[int], moment: int) -> Any:
    """List those of some builds that run, or ended at `moment` or later."""
    build = model.builds
    young = sa.or_(build.c.complete_at.is_(None), build.c.complete_at >= moment)
    return sa.select(build.c.id).where(build.c.id.in_(build_ids), young)
