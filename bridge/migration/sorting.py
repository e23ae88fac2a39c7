"""Which builders become tasks, where they run, and what must be said about each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bridge.core.admission import matches
from bridge.core.order import Policy
from bridge.definition import builder_problem
from bridge.migration.labels import task_names


@dataclass(frozen=True, slots=True)
class Offered:
    """A builder of the master that is open to the bridge, and how many workers it has now."""

    name: str
    workers: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of the bridge that is served by the same master."""

    name: str
    task_queue: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Entry:
    """A builder that becomes a task. `worker_type` is the alias of its pool; `notes` are sentences for people."""

    builder: Offered
    task: str
    worker_type: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The builders: those that become tasks, and the sentence why of those that cannot."""

    entries: tuple[Entry, ...]
    refused: Mapping[str, str]


def picked(offered: Sequence[Offered], only: Sequence[str]) -> list[Offered]:
    """Those whose whole names match one of the shell-like patterns (all without patterns), in the order of their names.

    Small and capital letters are the same, as in the patterns of the settings.
    """
    chosen = (each for each in offered if not only or any(_fits(each.name, pattern) for pattern in only))
    return sorted(chosen, key=lambda each: each.name)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())


def sort(offered: Sequence[Offered], pools: Sequence[Pool], taken: Collection[str] = ()) -> Sorted:
    """Sort the builders; `taken` are names that other tasks have already."""
    refused = {each.name: problem for each in offered if (problem := _problem(each.name))}
    fit = [each for each in offered if each.name not in refused]
    names = task_names([each.name for each in fit], taken)
    return Sorted(tuple(_entry(each, names[each.name], pools) for each in fit), refused)


def _problem(builder: str) -> str | None:
    if "{project}" in builder:
        return (
            f"builder {builder!r} has {{project}} in its name, which taskgraph would replace. Rename it in the master.cfg."
        )
    return builder_problem(builder, f"builder {builder!r}")


def aliases(pools: Sequence[Pool]) -> Mapping[str, Pool]:
    """The worker-type alias of each pool: `bb` where there is one only."""
    return {"bb": pools[0]} if len(pools) == 1 else {f"bb-{pool.name}": pool for pool in pools}


def _entry(builder: Offered, task: str, pools: Sequence[Pool]) -> Entry:
    named = aliases(pools)
    admitting = [alias for alias, pool in named.items() if _admits(pool.policy, builder.name)]
    alias = (admitting or list(named))[0]
    return Entry(builder, task, alias, tuple(_notes(builder, named[alias], admitted=bool(admitting))))


def _admits(policy: Policy, builder: str) -> bool:
    return matches(builder, policy.builders) and not matches(builder, (*policy.denied, *policy.left_alone))


def _notes(builder: Offered, pool: Pool, *, admitted: bool) -> Iterator[str]:
    if not admitted:
        yield f"The bridge refuses it until [pools.{pool.name}] admits it: see builders, deny and left_alone there."
    if not builder.workers:
        yield "It has no connected worker now."
