"""From counts and lists of the database to answers about many runs, and about the bridge itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from bridge.core.deployment import unserved
from bridge.core.ledger import Held, Letter, Oldest, Past, Server, Swept
from bridge.core.steering import Act, Ordered
from bridge.status import answers, tokens
from bridge.status.ports import Served
from bridge.status.shaping import PHASES


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
    left = unserved(runs, frozenset(pool for server in living for pool in server.pools))
    return answers.Pools(
        pools=[
            answers.Pool(
                name=name,
                rules=_rules(served[name]) if name in served else None,
                served_by=[server.name for server in living if name in server.pools],
                unserved=name in left,
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


def orders(found: Iterable[Ordered], acts: Iterable[Act]) -> answers.Orders:
    """What operators hold back, and what they did."""
    return answers.Orders(orders=[_order(each) for each in found], acts=[answers.ActDone(**asdict(act)) for act in acts])


def _order(found: Ordered) -> answers.Order:
    stop = found.stop
    return answers.Order(
        kind=stop.kind, pool=stop.pool, builders=stop.builders, who=stop.who, why=stop.why, since=found.since
    )
