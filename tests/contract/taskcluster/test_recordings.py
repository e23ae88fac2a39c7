"""Every recorded story of a real queue, told again by the double."""

import pytest

from tests.contract.taskcluster.replay import RECORDINGS, START, Replay, load
from tests.doubles.taskcluster.instants import DAY

STORIES = sorted(path.stem for path in RECORDINGS.glob("*.json"))
WITH_RULES_OF_THEIR_OWN = ("09-concurrent-calls", "17-worker-manager")  # below, and in test_concurrent_calls

# The double has no worker manager: nothing of the bridge calls one. The rest of its story is told with credentials
# like those that registerWorker gave.
NO_WORKER_MANAGER = {
    "worker-manager.createWorkerPool": "administration of the worker manager",
    "worker-manager.createWorker": "administration of the worker manager",
    "worker-manager.registerWorker": "its answer, the worker's credentials, is made by the test",
    "worker-manager.reportWorkerError": "a note kept by the worker manager alone",
    "worker-manager.reregisterWorker": "new credentials from the worker manager",
    "worker-manager.removeWorker": "marks a worker stopped; the queue hears nothing of it",
    "worker-manager.deleteWorkerPool": "administration of the worker manager",
}


def test_the_stories_are_all_here() -> None:
    assert [name[:2] for name in STORIES] == [f"{number:02}" for number in range(1, 19)]


@pytest.mark.parametrize("name", [name for name in STORIES if name not in WITH_RULES_OF_THEIR_OWN])
def test_the_double_answers_as_the_real_queue_did(name: str) -> None:
    replay = Replay(load(name))
    replay.run()
    assert len(replay.answers) == len(replay.story["calls"])
    assert replay.differences + replay.unlike_messages() == []


def test_a_registered_worker_meets_the_queue_as_recorded() -> None:
    story = load("17-worker-manager")
    left_out = frozenset(call["n"] for call in story["calls"] if call["api"] in NO_WORKER_MANAGER)
    assert {call["api"] for call in story["calls"] if call["n"] in left_out} == set(NO_WORKER_MANAGER)
    replay = Replay(story, left_out=left_out)
    scopes = next(call for call in story["calls"] if call["api"] == "auth.currentScopes")["response"]["body"]["scopes"]
    replay.credentials[3] = replay.site.at.issuer.issue(
        "worker/static/proj-bridge/wm/buildbot/bm09-master", scopes, START, START + DAY
    )
    replay.run()
    assert len(replay.answers) == len(story["calls"]) - len(left_out)
    assert replay.differences + replay.unlike_messages() == []
