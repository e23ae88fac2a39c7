"""From rows to answers. Pure: what is shown is decided here, and nothing is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from bridge.core.debts import debts
from bridge.core.ledger import Change, Entry, Held, Letter, Oldest, Past, Server, Step, Swept
from bridge.core.run import (
    Building,
    Queued,
    Refused,
    Reporting,
    Settled,
    Stopping,
    Wanted,
    Worker,
    claim_of,
    request_of,
)
from bridge.core.run import Phase as Phased
from bridge.core.words import in_words
from bridge.status import answers, tokens
from bridge.status.asked import Phase
from bridge.status.ports import Served
from bridge.stuck import Circumstances, findings
from bridge.stuck import Finding as Wrong

PHASES = cast("dict[type[Phased], Phase]", {kind: kind.__name__.lower() for kind in Phased.__args__})


def run(entry: Entry, seen: Circumstances) -> answers.Run:
    """A row for people."""
    held, facts, request, claim = entry.run, entry.run.facts, request_of(entry.run), claim_of(entry.run)
    of_task = {name: getattr(facts, name) if facts else None for name in _FACTS}
    return answers.Run(
        **of_task,
        **_of_phase(held.phase),
        task_id=held.key.task_id,
        run_id=held.key.run_id,
        pool=held.pool,
        phase=PHASES[type(held.phase)],
        builder=held.builder,
        request_id=request.id if request else None,
        request_run=request.created_for if request else None,
        taken_until=claim.taken_until if claim else None,
        reclaim_at=claim.reclaim_at if claim else None,
        due_at=entry.due_at,
        attempts=held.attempts,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
        stuck=[finding.cause.name for finding in findings(entry, seen)],
    )


_FACTS = ("task_group_id", "scheduler_id", "project_id", "priority", "scheduled", "deadline", "expires")
_OF_PHASE = ("build_id", "worker_group", "worker_id", "held", "reason", "verdict", "verdict_why", "outcome")


def _of_phase(phase: Phased) -> dict[str, Any]:
    return {**dict.fromkeys(_OF_PHASE), **_known(phase)}


def _known(phase: Phased) -> dict[str, Any]:
    match phase:
        case Wanted(held=held):
            return {"held": held}
        case Queued(worker=worker):
            return _worker(worker)
        case Building(build=build, worker=worker):
            return {"build_id": build, **_worker(worker)}
        case Reporting(build=build, worker=worker, verdict=verdict):
            told = {"verdict": verdict.resolution.value, "verdict_why": verdict.why}
            return {"build_id": build, **told, **_worker(worker)}
        case Refused(worker=worker, reason=reason):
            return {"reason": reason, **_worker(worker)}
        case Stopping(because=because, build=build, worker=worker):
            return {"reason": because, "build_id": build, **_worker(worker)}
        case Settled(outcome=outcome, build=build):
            return {"outcome": outcome, "build_id": build}


def _worker(worker: Worker | None) -> dict[str, Any]:
    return {"worker_group": worker.group, "worker_id": worker.id} if worker else {}


def row(entry: Entry) -> answers.Row:
    """The rest of a row, about the work on it."""
    held = entry.run
    return answers.Row(
        version=entry.version,
        look_at=held.look_at,
        not_before=held.not_before,
        lease_owner=entry.lease_owner,
        lease_until=entry.lease_until,
        holder=entry.holder,
        missing_since=held.missing_since,
        missing_reads=held.missing_reads,
        absent_since=held.absent_since,
    )


def owes(entry: Entry) -> list[answers.Debt]:
    """What the run owes, and will owe if nothing happens, by the time of it."""
    owed = sorted(debts(entry.run), key=lambda debt: debt[0])
    return [answers.Debt(what=type(what).__name__, words=in_words(what), at=at) for at, what in owed]


def wrong(entry: Entry, seen: Circumstances) -> list[answers.Finding]:
    """What is wrong with the run."""
    return [_finding(each) for each in findings(entry, seen)]


def _finding(found: Wrong) -> answers.Finding:
    cause = found.cause
    texts = {"cause": cause.name, "what": cause.what, "why": cause.why, "mend": cause.mend}
    return answers.Finding(**texts, detail=found.detail, since=found.since)


def transitions(steps: Iterable[Step], run_id: int | None = None) -> list[answers.Transition]:
    """The changes of phase of one run, or of all."""
    fields = ("run_id", "at", "from_phase", "to_phase", "because", "who")
    return [
        answers.Transition(**{name: getattr(step, name) for name in fields})
        for step in steps
        if run_id in (None, step.run_id)
    ]


def counts(runs: Mapping[tuple[str, str], int], held: Iterable[Held]) -> answers.Counts:
    """How many runs are where, and what they wait for."""
    return answers.Counts(
        runs=_counts(runs), held=[answers.HeldRuns(pool=each.pool, why=each.why, runs=each.runs) for each in held]
    )


def _counts(runs: Mapping[tuple[str, str], int], pool: str | None = None) -> list[answers.Count]:
    known = set(PHASES.values())
    return [
        answers.Count(pool=of, phase=phase, runs=count)
        for (of, phase), count in sorted(runs.items())
        if pool in (None, of) and phase in known
    ]


def pools(served: Mapping[str, Served], runs: Mapping[tuple[str, str], int], servers: Sequence[Server]) -> answers.Pools:
    """The pools of the settings, and those that only runs or other processes know."""
    living = [server for server in servers if server.alive]
    names = {*served, *(pool for pool, _ in runs), *(pool for server in living for pool in server.pools)}
    return answers.Pools(
        pools=[
            answers.Pool(
                name=name,
                rules=_rules(served[name]) if name in served else None,
                served_by=[server.name for server in living if name in server.pools],
                runs=_counts(runs, name),
            )
            for name in sorted(names)
        ]
    )


def _rules(pool: Served) -> answers.PoolRules:
    policy, limits = pool.policy, pool.policy.limits
    return answers.PoolRules(
        task_queue_id=pool.task_queue_id,
        buildbot=pool.buildbot,
        builders=list(policy.builders),
        denied=list(policy.denied),
        left_alone=list(policy.left_alone),
        scope_prefixes=list(policy.scope_prefixes),
        version=policy.version,
        limits=answers.PoolLimits(properties=limits.properties, depth=limits.depth, bytes=limits.bytes, name=limits.name),
    )


def services(servers: Iterable[Server]) -> answers.Services:
    """Who serves."""
    fields = ("name", "service", "version", "started_at", "seen_at", "alive")
    return answers.Services(
        services=[
            answers.Service(**{name: getattr(each, name) for name in fields}, pools=list(each.pools)) for each in servers
        ]
    )


def margins(oldest: Oldest) -> answers.Margins:
    """How late the bridge is."""
    return answers.Margins(oldest_due=oldest.due, first_claim_ends=oldest.first_claim_ends, oldest_wanted=oldest.wanted)


def letter(found: Letter) -> answers.DeadLetter:
    """An unreadable message; its bytes written so that nothing acts on them."""
    return answers.DeadLetter(
        id=found.number,
        at=found.at,
        exchange=found.exchange,
        routing_key=found.routing_key,
        reason=found.reason,
        size=found.size,
        sha256=found.sha256,
        beginning=repr(found.beginning)[2:-1],
    )


def letters(page: Sequence[Letter], limit: int) -> answers.DeadLetters:
    """A page of them."""
    token = tokens.of_number(page[-1].number) if len(page) == limit else None
    return answers.DeadLetters(dead_letters=[letter(each) for each in page], continuation_token=token)


def sweeps(found: Iterable[Swept], servers: Iterable[Server]) -> answers.Sweeps:
    """What the sweeps came to."""
    services_of = {server.name: server.service for server in servers}
    return answers.Sweeps(
        sweeps=[
            answers.Sweep(
                name=each.name,
                service=services_of.get(each.replica, each.replica),
                began_at=each.began_at,
                ended_at=each.ended_at,
                found=each.found,
                fault=each.fault,
            )
            for each in found
        ]
    )


def step(past: Past) -> answers.HistoryStep:
    """One step of the history."""
    ends = sorted((past.ends or {}).items())
    fields = ("at", "builds", "waited_half", "waited_most", "unsettled", "held", "oldest_due", "claim_margin")
    return answers.HistoryStep(
        **{name: getattr(past, name) for name in fields},
        outcomes=[answers.Outcome(outcome=outcome, runs=runs) for outcome, runs in ends],
    )


def event(change: Change) -> answers.Event:
    """A change of phase for those who watch."""
    told = change.step
    return answers.Event(
        id=change.number,
        task_id=change.task_id,
        run_id=told.run_id,
        at=told.at,
        from_phase=told.from_phase,
        to_phase=told.to_phase,
        because=told.because,
        pool=change.pool,
        builder=change.builder,
        task_group_id=change.task_group_id,
    )
