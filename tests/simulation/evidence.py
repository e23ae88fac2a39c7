"""The ledgers of a schedule as `tests.history` wants them."""

from collections.abc import Sequence

from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import Transition
from tests.history.evidence import Evidence, Json
from tests.simulation.buildbot import Master, Request
from tests.simulation.fabric import EPOCH
from tests.simulation.watch import Watch


def gathered(ledger: Ledger, master: Master, watch: Watch) -> Evidence:
    """All that the outside holds."""
    requests: dict[str, Sequence[Json]] = {}
    for request in master.ours():
        requests[request.key] = [*requests.get(request.key, []), _request(request)]
    return Evidence(
        calls=watch.calls,
        history=[_transition(each) for each in ledger.history],
        tasks={name: {"status": task.status()} for name, task in ledger.tasks.items()},
        requests=requests,
        cancels=watch.cancels,
        group=watch.group,
        own=watch.own,
        grain=0.01,
        read_within=1e9,
    )


def _transition(change: Transition) -> Json:
    return {
        "unix": change.at / 1_000_000, "taskId": change.task_id, "runId": change.run_id, "state": change.state,
        "reason": change.reason, "workerGroup": change.worker_group,
    }  # fmt: skip


def _request(request: Request) -> Json:
    return {
        "buildrequestid": request.id,
        "complete": request.complete,
        "results": request.results,
        "complete_at": None if request.completed is None else EPOCH + request.completed,
        "submitted_at": EPOCH + request.submitted,
        "builds": [
            {"buildid": build.id, "started_at": EPOCH + build.started, "results": build.results} for build in request.builds
        ],
    }
