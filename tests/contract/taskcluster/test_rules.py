"""Rules of the queue that the reference tells and no recording shows."""

from tests.contract.taskcluster.drive import QUEUE, SAME, Drive
from tests.doubles.taskcluster.instants import MINUTE, SECOND, zulu
from tests.doubles.taskcluster.model import MAX_RUNS
from tests.doubles.taskcluster.scopes import Roles

COUNTS = f"/task-queues/{QUEUE.replace('/', '%2F')}/counts"


def _reference(drive: Drive, task_id: str) -> int:
    body = {
        "storageType": "reference",
        "expires": zulu(drive.now + MINUTE),
        "contentType": "text/html",
        "url": "https://example.com",
    }
    return drive.call("POST", f"/task/{task_id}/runs/0/artifacts/public%2Fx", body).status


def _running(drive: Drive) -> str:
    task_id = drive.create()
    drive.claim(task_id)
    return task_id


def test_artifacts_are_taken_for_25_minutes_after_an_exception() -> None:
    drive = Drive()
    task_id = _running(drive)
    drive.report(task_id, "exception", "internal-error")
    drive.later(25 * 60)
    assert _reference(drive, task_id) == 200
    drive.later(1)
    assert _reference(drive, task_id) == 409


def test_a_claim_that_expires_just_before_the_deadline_is_left_to_the_deadline() -> None:
    drive = Drive(deadline_after=22 * SECOND)
    drive.site.ledger.periods.claim = 20 * SECOND
    task_id = _running(drive)
    drive.later(23)
    drive.site.poll(drive.now)
    task = drive.site.ledger.tasks[task_id]
    assert (task.state, len(task.runs)) == ("running", 1)
    drive.later(60)
    drive.site.poll(drive.now)
    assert [run.reason_resolved for run in task.runs] == ["deadline-exceeded"]


def test_rows_of_claims_stay_after_the_final_exception_of_a_later_run() -> None:
    drive = Drive()
    task_id = _running(drive)
    drive.report(task_id, "exception", "internal-error")
    assert drive.succeed("GET", COUNTS)["claimedTasks"] == 0
    drive.succeed("POST", f"/task/{task_id}/rerun")
    drive.claim(task_id, run_id=1)
    drive.succeed("POST", f"/task/{task_id}/runs/1/exception", {"reason": "internal-error"})
    assert drive.succeed("GET", COUNTS)["claimedTasks"] == 1
    drive.later(1201)
    assert drive.succeed("GET", COUNTS)["claimedTasks"] == 0


def test_a_task_gets_fifty_runs_at_most() -> None:
    drive = Drive()
    task_id = drive.create(retries=49)
    for run_id in range(MAX_RUNS - 1):
        drive.claim(task_id, run_id)
        drive.succeed("POST", f"/task/{task_id}/runs/{run_id}/exception", {"reason": "worker-shutdown"})
    drive.succeed("POST", f"/task/{task_id}/cancel")
    assert drive.call("POST", f"/task/{task_id}/rerun").status == 409


def test_resolvers_try_again_until_the_broker_is_back() -> None:
    drive = Drive()
    ledger = drive.site.ledger
    ledger.periods.claim = 20 * SECOND
    task_id = _running(drive)
    sent = len(ledger.outbox)
    ledger.broker_up = False
    drive.later(21)
    drive.site.poll(drive.now)
    assert ledger.tasks[task_id].state == "pending"
    assert len(ledger.outbox) == sent
    ledger.broker_returns()
    assert [message.exchange for message in ledger.outbox[sent:]] == ["task-exception", "task-pending"]


def test_claiming_work_passes_by_a_quarantined_worker() -> None:
    drive = Drive()
    drive.create()
    worker = f"/provisioners/proj/worker-types/queue/workers/{SAME['workerGroup']}/{SAME['workerId']}"
    drive.succeed("PUT", worker, {"quarantineUntil": zulu(drive.now + MINUTE)})
    answer = drive.call("POST", f"/claim-work/{QUEUE.replace('/', '%2F')}", {**SAME, "tasks": 4})
    assert (answer.body, answer.again is not None) == ({"tasks": []}, True)
    assert drive.succeed("GET", worker)["quarantineUntil"] == zulu(drive.now + MINUTE)


def test_dependents_are_listed_page_by_page() -> None:
    drive = Drive()
    first = drive.create()
    waiting = [drive.create(dependencies=[first]) for _ in range(3)]
    page = drive.call("GET", f"/task/{first}/dependents", limit="2").body
    rest = drive.call("GET", f"/task/{first}/dependents", continuationToken=page["continuationToken"]).body
    assert [row["status"]["taskId"] for row in page["tasks"] + rest["tasks"]] == waiting
    assert "continuationToken" not in rest


def test_roles_hand_on_scopes_by_name_by_star_and_by_pattern() -> None:
    roles = Roles({"a": ["x:1"], "repo:*": ["assume:built:<..>"], "built:web": ["y:web", "y:*"], "anonymous": []})
    assert list(roles.expand(["assume:a"])) == ["assume:a", "x:1"]
    assert list(roles.expand(["assume:repo:web"])) == ["assume:built:web", "assume:repo:web", "y:*"]
    assert roles.expand(["assume:*"]).covers("x:1")
    assert not roles.expand(["assume:b"]).covers("x:1")
    assert list(roles.expand(["*", "assume:a"])) == ["*"]
