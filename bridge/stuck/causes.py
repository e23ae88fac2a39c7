"""The causes for which a run can be stuck. Names are stable: programs and runbooks refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cause:
    """`what` is wrong, `why` that can be, and how to `mend` it; sentences for an operator."""

    name: str
    what: str
    why: str
    mend: str


_TABLE: Final = (
    Cause(
        "pool_unserved",
        "No living process serves the run's pool.",
        "The pool was dropped from the settings while it had runs, or all services that had it ended.",
        "Put the pool back into the settings of the services, or start them. `bbb status` shows who serves.",
    ),
    Cause(
        "claim_over",
        "The run's claim has ended.",
        "Nobody renewed it: the services were away, too slow, or refused by Taskcluster.",
        "Nothing is lost: the task's next run takes the build over. See that a reflector runs, and what `bbb doctor` says.",
    ),
    Cause(
        "claim_ends_soon",
        "The run's claim ends within minutes and has not been renewed.",
        "Renewals fail, or no service has time for them.",
        "Look at `bbb doctor` and at the services' log lines `debt_unpaid` with this task; start another reflector.",
    ),
    Cause(
        "past_deadline",
        "The task's deadline has passed, and the run is not settled.",
        "Taskcluster has not been read since, or Buildbot does not end the build.",
        "Look at what else is said of this run; `bbb doctor` tells whether both sides can be reached.",
    ),
    Cause(
        "nobody_acts",
        "Something has been due for longer than a minute, and nobody does it.",
        "No service of this pool has time, or none runs.",
        "`bbb status` shows who serves and how late the bridge is. Start a reflector, or more of them.",
    ),
    Cause(
        "task_unknown",
        "Taskcluster does not know the run's task.",
        "The task has expired, or this database belongs to another Taskcluster.",
        "Compare `taskcluster.root_url` with where the task was made. The run is given up by itself after some reads.",
    ),
    Cause(
        "request_unknown",
        "Buildbot does not know the run's build request.",
        "Buildbot's database was restored from a backup, pruned, or exchanged.",
        "Look for the request in Buildbot. After three reads over ten minutes it is taken for lost; Taskcluster is told so.",
    ),
    Cause(
        "builder_full",
        "The builder has as many waiting build requests as it may have.",
        "Its workers do not keep up, or are gone.",
        "Add workers to the builder, or raise `max_pending` in the plugin's settings. The run goes on by itself.",
    ),
    Cause(
        "stopped",
        "An operator holds the run back.",
        "Somebody gave an order; what is said of it tells who, why, and which command lifts it.",
        "`bbb orders` shows all orders. The run goes on when its order is lifted.",
    ),
    Cause(
        "held_back",
        "The run is held back.",
        "What is said of it tells; most often Buildbot's plugin did not answer as it should.",
        "`bbb doctor` checks address, token and plugin of each Buildbot. The run goes on by itself once that is mended.",
    ),
    Cause(
        "calls_fail",
        "What the run owes has been tried several times in vain.",
        "Taskcluster, its artifact store or Buildbot refuses, or does not answer.",
        "Look at the log lines `debt_unpaid` with this task, and at `bbb doctor`. The bridge goes on trying.",
    ),
    Cause(
        "stop_takes_long",
        "The build is to be cancelled, and goes on.",
        "The worker does not react to being stopped, or Buildbot cannot be reached.",
        "Stop the build in Buildbot by hand, or its worker.",
    ),
    Cause(
        "report_takes_long",
        "The build is over, and Taskcluster has not been told for a quarter of an hour.",
        "Taskcluster or its artifact store is away, or an artifact is very large.",
        "Look at the log lines `debt_unpaid` with this task. The bridge goes on trying; artifacts are given up in time.",
    ),
    Cause(
        "waits_for_worker",
        "The build request has waited for a worker for more than an hour.",
        "The builder has no connected worker, is locked, or is very busy.",
        "Look at the builder's page in Buildbot. There is nothing to do in the bridge.",
    ),
)

CAUSES: Final[Mapping[str, Cause]] = {cause.name: cause for cause in _TABLE}
"""All causes by name, the most urgent first."""
