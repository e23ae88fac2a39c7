"""The questions put to Buildbot's own tables, each one statement; none of them changes anything.

They are SQLAlchemy expressions over Buildbot's model, so they hold on SQLite and PostgreSQL and on every 4.x release.
Each function takes the model and gives a statement; `fetch` runs statements in Buildbot's database threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

MARK: Final = "taskcluster"
"""The name of the build data that the plugin leaves on a build which the stopping master ended."""
BATCH: Final = 500
"""Ids in one IN list: SQLite takes 32,766 parameters, and longer lists were no faster."""

# The form of a run's name, so that a page is not filled with other tools' external ids.
RUN_LIKE: Final = "_" * 22 + "/%"
# Buildbot's log of an interrupted step; the second is its name while the step still waited for a lock.
_CANCELLED_LOGS: Final = ("cancelled", "cancelled_while_waiting_for_locks")


async def fetch(master: Any, statements: Sequence[Any]) -> list[Any]:
    """Give the rows of all statements in order, read one after the other in one database thread."""

    def read(connection: Any) -> list[Any]:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]

    rows: list[Any] = await master.db.pool.do(read)
    return rows


async def fetch_each(master: Any, statements: Sequence[Any]) -> list[list[Any]]:
    """Give the rows of each statement by itself, read one after the other in one database thread."""

    def read(connection: Any) -> list[list[Any]]:
        return [list(connection.execute(statement).fetchall()) for statement in statements]

    rows: list[list[Any]] = await master.db.pool.do(read)
    return rows


def batches(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def requests(model: Any) -> Any:
    """Every request that carries a run's name and was not made by the Rebuild button, which copies that name."""
    request, buildset, claim = model.buildrequests, model.buildsets, model.buildrequest_claims
    joined = request.join(buildset, request.c.buildsetid == buildset.c.id)
    joined = joined.join(model.builders, request.c.builderid == model.builders.c.id)
    joined = joined.outerjoin(claim, claim.c.brid == request.c.id)
    columns = (
        request.c.id,
        request.c.buildsetid,
        request.c.priority,
        request.c.complete,
        request.c.results,
        request.c.submitted_at,
        request.c.complete_at,
        buildset.c.external_idstring,
        model.builders.c.name.label("builder"),
        claim.c.brid.label("claim"),
    )
    ours = sa.and_(buildset.c.external_idstring.like(RUN_LIKE), buildset.c.rebuilt_buildid.is_(None))
    return sa.select(*columns).select_from(joined).where(ours)


def request_of(model: Any, external_id: str, not_before: int) -> Any:
    """Find the request of one run; `not_before` makes it fast, as times have an index and external ids have none."""
    buildset = model.buildsets
    wanted = sa.and_(buildset.c.external_idstring == external_id, buildset.c.submitted_at >= not_before)
    return requests(model).where(wanted).order_by(model.buildrequests.c.id).limit(1)


def requests_by_id(model: Any, ids: Sequence[int]) -> Any:
    return requests(model).where(model.buildrequests.c.id.in_(ids))


def request_page(model: Any, completed_since: int | None, after: int, limit: int) -> Any:
    request = model.buildrequests
    wanted = request.c.complete == 0
    if completed_since is not None:
        wanted = sa.and_(request.c.complete == 1, request.c.complete_at >= completed_since)
    return requests(model).where(wanted, request.c.id > after).order_by(request.c.id).limit(limit)


def names_of(model: Any, ids: Sequence[int]) -> Any:
    """Name the run of each request that is ours, with no row for the others."""
    request, buildset = model.buildrequests, model.buildsets
    joined = request.join(buildset, request.c.buildsetid == buildset.c.id)
    ours = sa.and_(buildset.c.external_idstring.like(RUN_LIKE), buildset.c.rebuilt_buildid.is_(None))
    selected = sa.select(request.c.id, buildset.c.external_idstring).select_from(joined)
    return selected.where(ours, request.c.id.in_(ids))


def builds_of(model: Any, request_ids: Sequence[int]) -> Any:
    build, worker, data = model.builds, model.workers, model.build_data
    joined = build.outerjoin(worker, build.c.workerid == worker.c.id)
    joined = joined.outerjoin(data, sa.and_(data.c.buildid == build.c.id, data.c.name == MARK))
    columns = (
        build.c.id,
        build.c.number,
        build.c.builderid,
        build.c.buildrequestid,
        build.c.workerid,
        build.c.started_at,
        build.c.complete_at,
        build.c.results,
        build.c.state_string,
        worker.c.name.label("worker"),
        data.c.value.label("mark"),
    )
    selected = sa.select(*columns).select_from(joined)
    return selected.where(build.c.buildrequestid.in_(request_ids)).order_by(build.c.id)


def request_of_build(model: Any, build_id: int) -> Any:
    return sa.select(model.builds.c.buildrequestid).where(model.builds.c.id == build_id)


def properties_of(model: Any, build_ids: Sequence[int]) -> Any:
    table = model.build_properties
    return sa.select(table.c.buildid, table.c.name, table.c.value, table.c.source).where(table.c.buildid.in_(build_ids))


def cancelled_logs_of(model: Any, build_ids: Sequence[int]) -> Any:
    """List the logs in which Buildbot keeps why a step of these builds was interrupted, in order of the steps.

    Their text is one line, so it is the whole of the first chunk; `compressed` 0 means that it stands there as it is.
    """
    step, log, chunk = model.steps, model.logs, model.logchunks
    joined = log.join(step, log.c.stepid == step.c.id)
    joined = joined.outerjoin(chunk, sa.and_(chunk.c.logid == log.c.id, chunk.c.first_line == 0))
    selected = sa.select(step.c.buildid, log.c.id, chunk.c.content, chunk.c.compressed).select_from(joined)
    wanted = sa.and_(step.c.buildid.in_(build_ids), log.c.slug.in_(_CANCELLED_LOGS))
    return selected.where(wanted).order_by(step.c.id, log.c.id)


def configured_builders(model: Any) -> Any:
    """Each builder that some running master serves, with the number of workers connected for it.

    A builder that was removed by a reconfig stays in its table and only loses its masters.
    """
    served, able, here = model.builder_masters, model.configured_workers, model.connected_workers
    joined = model.builders.join(served, served.c.builderid == model.builders.c.id)
    joined = joined.outerjoin(able, able.c.buildermasterid == served.c.id)
    joined = joined.outerjoin(here, sa.and_(here.c.workerid == able.c.workerid, here.c.masterid == served.c.masterid))
    workers = sa.func.count(sa.distinct(here.c.workerid)).label("connected_workers")
    selected = sa.select(model.builders.c.id, model.builders.c.name, workers).select_from(joined)
    return selected.group_by(model.builders.c.id, model.builders.c.name).order_by(model.builders.c.name)


def configured_builder(model: Any, name: str) -> Any:
    joined = model.builders.join(model.builder_masters, model.builder_masters.c.builderid == model.builders.c.id)
    return sa.select(model.builders.c.id).select_from(joined).where(model.builders.c.name == name).limit(1)


def pending(model: Any, builder_id: int) -> Any:
    """How many requests of a builder nobody has claimed yet, whoever submitted them."""
    request, claim = model.buildrequests, model.buildrequest_claims
    joined = request.outerjoin(claim, claim.c.brid == request.c.id)
    waiting = sa.and_(request.c.builderid == builder_id, request.c.complete == 0, claim.c.brid.is_(None))
    return sa.select(sa.func.count(request.c.id)).select_from(joined).where(waiting)
