"""Run and row: every phase with exactly its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, get_args

from bridge.core import faults
from bridge.core.debts import due_at
from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
    Phase,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    TaskId,
    Wanted,
    Worker,
)
from bridge.core.verdict import Resolution, Verdict

Row = Mapping[str, Any]
"""A record of table `runs` by column, or what becomes one: the types are PostgreSQL's."""

PHASES = tuple(kind.__name__.lower() for kind in get_args(Phase))
"""The phases by their names in rows."""


def phase_name(phase: Phase) -> str:
    """The phase's name in rows."""
    return type(phase).__name__.lower()


def to_json(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as the queries take them in bulk; times keep their microseconds, numbers all their digits."""
    return json.dumps(rows, default=_moment)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not stored in a row")


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs (JSON of others can bring both)."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def storable_json(value: object) -> object:
    """The JSON value with all its texts storable, names of members too."""
    match value:
        case str():
            return storable(value)
        case Mapping():
            return {storable(str(name)): storable_json(inner) for name, inner in value.items()}
        case list() | tuple():
            return [storable_json(inner) for inner in value]
        case _:
            return value


def to_row(run: Run) -> dict[str, object]:
    """The columns of a run; those not named are NULL. Texts are made storable: one odd character must not hold up a run."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in _row(run).items()}


def _row(run: Run) -> dict[str, object]:
    facts = run.facts
    return {
        "phase": phase_name(run.phase),
        "task_id": run.key.task_id,
        "run_id": run.key.run_id,
        "pool": run.pool,
        "due_at": due_at(run),
        "look_at": run.look_at,
        "not_before": run.not_before,
        "attempts": run.attempts,
        "builder": run.builder,
        "missing_since": run.missing_since,
        "missing_reads": run.missing_reads,
        "absent_since": run.absent_since,
        **({name: getattr(facts, name) for name in Facts.__slots__} if facts else {}),
        **_phase_row(run.phase),
    }


def _phase_row(phase: Phase) -> dict[str, object]:
    match phase:
        case Wanted(held=held, asked=asked):
            return {"held": held, "asked": asked}
        case Queued(after=after, priority=priority):
            return {"after_build": after, "told_priority": priority} | _request(phase.request) | _ours(phase)
        case Building(build=build):
            return {"build_id": build} | _request(phase.request) | _ours(phase)
        case Reporting(build=build, since=since):
            own = {"since": since, "build_id": build} | _verdict(phase.verdict)
            return own | _request(phase.request) | _ours(phase)
        case Refused(reason=reason):
            return {"reason": reason} | _ours(phase)
        case Stopping(because=because, since=since, build=build, asked=cancels, over=over):
            own = {"reason": because, "since": since, "build_id": build, "cancels": cancels, "over": over}
            return own | _request(phase.request) | _worker(phase.worker)
        case Settled(outcome=outcome, build=build):
            return {"outcome": outcome, "build_id": build} | _request(phase.request)


def _ours(phase: Queued | Building | Reporting | Refused) -> dict[str, object]:
    return _worker(phase.worker) | _claim(phase.claim)


def _request(request: Request | None) -> dict[str, object]:
    return {"request_id": request.id, "request_run": request.created_for} if request else {}


def _worker(worker: Worker | None) -> dict[str, object]:
    return {"worker_group": worker.group, "worker_id": worker.id} if worker else {}


def _claim(claim: Claim | None) -> dict[str, object]:
    return {"taken_until": claim.taken_until, "reclaim_at": claim.reclaim_at} if claim else {}


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {"verdict": verdict.resolution, "verdict_why": verdict.why, "verdict_results": verdict.results}


def to_run(row: Row) -> Run:
    """The run that a record holds."""
    return Run(
        key=RunKey(TaskId(row["task_id"]), RunId(row["run_id"])),
        pool=row["pool"],
        phase=_phase(row),
        look_at=row["look_at"],
        not_before=row["not_before"],
        facts=_facts(row),
        builder=row["builder"],
        attempts=row["attempts"],
        missing_since=row["missing_since"],
        missing_reads=row["missing_reads"],
        absent_since=row["absent_since"],
    )


def _phase(row: Row) -> Phase:
    match row["phase"]:
        case "wanted":
            return Wanted(row["held"], asked=row["asked"])
        case "queued":
            return Queued(_r(row), _w(row), _c(row), _b(row["after_build"]), row["told_priority"])
        case "building":
            return Building(_r(row), BuildId(row["build_id"]), _ww(row), _c(row))
        case "reporting":
            return Reporting(_r(row), _b(row["build_id"]), _ww(row), _verdict_of(row), row["since"], _c(row))
        case "refused":
            return Refused(_ww(row), row["reason"], _c(row))
        case "stopping":
            build, worker = _b(row["build_id"]), _w(row)
            return Stopping(_rr(row), row["reason"], row["since"], build, worker, row["cancels"], over=row["over"])
        case "settled":
            return Settled(row["outcome"], _rr(row), _b(row["build_id"]))
        case unknown:
            raise UnknownPhaseError(row["task_id"], row["run_id"], unknown)


def _verdict_of(row: Row) -> Verdict:
    if row["verdict"] not in list(Resolution):
        raise UnknownPhaseError(row["task_id"], row["run_id"], f"reporting {row['verdict']}")
    return Verdict(Resolution(row["verdict"]), row["verdict_why"], row["verdict_results"])


class UnknownPhaseError(faults.Newer):
    """A row is in a phase, or has a verdict, that this version does not know."""

    def __init__(self, task_id: str, run_id: int, phase: str) -> None:
        super().__init__(f"run {task_id}/{run_id} is in phase {phase!r}, which this version does not know")


_FACTS = itemgetter(*Facts.__slots__)


def _facts(row: Row) -> Facts | None:
    return None if row["deadline"] is None else Facts(*_FACTS(row))


def _r(row: Row) -> Request:
    return Request(RequestId(row["request_id"]), RunId(row["request_run"]))


def _rr(row: Row) -> Request | None:
    return None if row["request_id"] is None else _r(row)


def _ww(row: Row) -> Worker:
    return Worker(row["worker_group"], row["worker_id"])


def _w(row: Row) -> Worker | None:
    return None if row["worker_id"] is None else _ww(row)


def _b(build: int | None) -> BuildId | None:
    return None if build is None else BuildId(build)


def _c(row: Row) -> Claim | None:
    until: datetime | None = row["taken_until"]
    return None if until is None else Claim(until, row["reclaim_at"])
