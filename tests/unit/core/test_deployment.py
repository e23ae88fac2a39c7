"""What two processes on one database may have different, and what not."""

from bridge.core.deployment import Deployment, unserved

WHOLE = {"worker_group": "buildbot", "taskcluster.root_url": "https://tc.example"}
LINUX = {"task_queue": "proj/linux", "buildbot": "main"}
MAC = {"task_queue": "proj/mac", "buildbot": "main"}
ONE = Deployment(WHOLE, {"linux": LINUX})


def conflicts(other: Deployment) -> list[str]:
    return list(ONE.conflicts(other))


def test_equals_have_no_conflict() -> None:
    assert conflicts(Deployment(dict(WHOLE), {"linux": dict(LINUX)})) == []


def test_a_pool_that_only_one_of_them_serves_is_no_conflict() -> None:
    more = Deployment(WHOLE, {"linux": LINUX, "mac": MAC})
    assert conflicts(more) == list(more.conflicts(ONE)) == []
    assert conflicts(Deployment(WHOLE, {"mac": MAC})) == []


def test_what_is_told_of_the_whole_must_be_the_same() -> None:
    other = Deployment({**WHOLE, "worker_group": "bb"}, {"mac": MAC})
    assert conflicts(other) == ["worker_group is buildbot here and bb there"]


def test_a_pool_that_both_serve_must_be_the_same() -> None:
    other = Deployment(WHOLE, {"linux": {**LINUX, "buildbot": "second"}, "mac": MAC})
    assert conflicts(other) == ["pools.linux.buildbot is main here and second there"]


def test_a_task_queue_has_one_pool() -> None:
    assert conflicts(Deployment(WHOLE, {"lx": LINUX})) == ["task queue proj/linux is pool linux here and pool lx there"]


def test_a_field_that_only_one_version_knows_is_no_conflict() -> None:
    newer = Deployment({**WHOLE, "era": "2"}, {"linux": {**LINUX, "shape": "round"}})
    assert conflicts(newer) == list(newer.conflicts(ONE)) == []


def test_runs_of_pools_that_nobody_serves_are_counted() -> None:
    counts = {("linux", "wanted"): 2, ("mac", "wanted"): 3, ("mac", "queued"): 4}
    assert unserved(counts, frozenset({"linux"})) == {"mac": 7}
    assert unserved(counts, frozenset({"linux", "mac"})) == {}
