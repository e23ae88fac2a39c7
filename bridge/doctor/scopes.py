"""The scopes that the permanent client needs, and what it holds beyond them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.core.admission import satisfies
from bridge.settings import Settings

_CANCEL: Final = ("queue:cancel-task:", "queue:cancel-task-in-project:")


@dataclass(frozen=True, slots=True)
class Need:
    """A scope, what it is needed for, and scopes that do as well in its place."""

    scope: str
    why: str
    instead: tuple[str, ...] = ()

    def met(self, held: Collection[str]) -> bool:
        """Whether the held scopes suffice."""
        if satisfies(held, self.scope):
            return True
        # Which schedulers are served nobody has said: a cancel scope for some of them has to be believed.
        return bool(self.instead) and any(scope.startswith(_CANCEL) for scope in held)


def needed(settings: Settings) -> list[Need]:
    """The minimal scopes for these settings."""
    return [*_queues(settings), *_reads(settings), *_cancels(settings)]


def _queues(settings: Settings) -> Iterator[Need]:
    yield Need(f"queue:worker-id:{settings.worker_group}/*", "to claim runs under the names of Buildbot's workers")
    for queue in sorted(pool.task_queue for pool in settings.pools.values()):
        yield Need(f"queue:claim-task:{queue}", f"to claim runs of {queue}")
        yield Need(f"queue:pending-list:{queue}", f"to find pending runs of {queue} that no message told of")


def _reads(settings: Settings) -> Iterator[Need]:
    yield Need("queue:status:*", "to read the status of tasks")
    yield Need("queue:get-task:*", "to read the definition of tasks")
    if settings.taskcluster.expand_roles:
        yield Need("auth:expand-scopes", "to expand roles among a task's scopes; not with taskcluster.expand_roles = false")


def _cancels(settings: Settings) -> Iterator[Need]:
    maps = [settings.pools[name].result_maps() for name in settings.pools]
    if any(each.cancelled == "canceled" for pool, single in maps for each in (pool, *single.values())):
        yield Need(
            "queue:cancel-task:*",
            'to cancel a task whose build was cancelled in Buildbot; not with results.cancelled = "failed"',
            ("queue:cancel-task:<schedulerId>/* for each scheduler", "queue:cancel-task-in-project:<projectId>"),
        )


def beyond(held: Collection[str], needs: Collection[Need], anonymous: Collection[str]) -> list[str]:
    """The held scopes that go beyond what is needed and what anybody has."""
    enough = {need.scope for need in needs} | set(anonymous) | {"auth:current-scopes"}
    cancels = _CANCEL if any(need.instead for need in needs) else ()
    return sorted(
        scope
        for scope in held
        if not satisfies(enough, scope) and not scope.startswith("assume:") and not (cancels and scope.startswith(cancels))
    )
