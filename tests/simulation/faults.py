"""What can go wrong at a call, and for how long the world is not whole after it."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """A fault. The first ones strike the call alone, or its caller; the last ones strike the world at that moment."""

    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"
    REFUSED = "5xx"
    THROTTLED = "429"
    CONFLICT = "409"
    NOT_ALLOWED = "403"
    MISSING = "404"
    LOST_REPLY = "lost_reply"
    CONFLICT_AFTER = "409_after_effect"
    TIMEOUT = "timeout"
    TIMEOUT_AFTER = "timeout_after_effect"
    LATE_EFFECT = "late_effect"
    DELAY = "delay"
    SLOW_REPLY = "slow_reply"
    PAUSE = "pause"
    PAUSE_AFTER = "pause_after_effect"
    # the world
    DATABASE_AWAY = "database_away"
    FAILOVER = "failover"
    FAILOVER_LONG = "failover_losing_more"
    DATABASE_DROPPED = "database_dropped"
    PULSE_LOST = "pulse_lost"
    PULSE_DELETED = "pulse_queue_deleted"
    MASTER_KILLED = "master_killed"
    MASTER_STOPPED = "master_stopped"
    WORKER_LOST = "worker_lost"
    REQUESTS_HIDDEN = "requests_hidden"
    TASKCLUSTER_AWAY = "taskcluster_away"
    TASKCLUSTER_AWAY_LONG = "taskcluster_away_past_claims"


CRASHES = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER)
WORLD = tuple(Kind)[tuple(Kind).index(Kind.DATABASE_AWAY) :]
_ANY = (
    *CRASHES, Kind.REFUSED, Kind.LOST_REPLY, Kind.TIMEOUT, Kind.TIMEOUT_AFTER, Kind.LATE_EFFECT, Kind.DELAY, Kind.SLOW_REPLY,
    Kind.PAUSE, Kind.PAUSE_AFTER,
)  # fmt: skip
_HTTP = (*_ANY, Kind.THROTTLED, Kind.NOT_ALLOWED)
_CONFLICTING = frozenset({"claim", "reclaim", "resolve", "attach"})


def fitting(side: str, name: str) -> tuple[Kind, ...]:
    """The faults that can strike a call of this side (`database`, `taskcluster`, `buildbot`, `pulse`)."""
    if side in ("database", "pulse"):
        return (*_ANY, *WORLD)
    kinds = [*_HTTP, *WORLD]
    if name in _CONFLICTING:
        kinds += [Kind.CONFLICT, Kind.CONFLICT_AFTER]
    if name == "status":
        kinds.append(Kind.MISSING)
    if name in ("changes", "cancel_task"):
        # cancelTask: the residue of one round trip, in which a person can act, is accepted; it must not be made longer.
        kinds = [kind for kind in kinds if kind not in (Kind.LATE_EFFECT, Kind.DELAY, Kind.PAUSE)]
    return tuple(kinds)


FELT: Mapping[Kind, float] = {
    Kind.CRASH_BEFORE: 8.0,
    Kind.CRASH_AFTER: 8.0,
    Kind.THROTTLED: 8.0,
    Kind.TIMEOUT: 35.0,
    Kind.TIMEOUT_AFTER: 35.0,
    Kind.LATE_EFFECT: 75.0,
    Kind.DELAY: 20.0,
    Kind.SLOW_REPLY: 28.0,
    Kind.PAUSE: 55.0,
    Kind.PAUSE_AFTER: 55.0,
}
"""For how many seconds a fault at a call can be felt; all others for a few."""
