"""Defects and incidents that no mutant stands for, and why: what cannot be said here is held off elsewhere."""

from collections.abc import Mapping

ELSEWHERE: Mapping[str, str] = {
    # the forerunner's
    "the finish event lacked request ids": "by construction: changes are hints, the request's state is read by its id",
    "look-ups by build number matched hundreds of thousands of rows": "by construction: rows and states are read by key and id",
    "long integers and ISO text in the wrong columns": "the store is played; tests/integration/store, tests/fuzz",
    "idle database connections lost, no timeouts, no heartbeat": "the wires are played; tests/integration/store and amqp, tests/chaos",
    "every replica reclaimed every task; the most urgent last": "the order is SQL; tests/integration/store/test_runs.py",
    "queue bound without the provisioner, development beside production": "bindings are not played; tests/unit/taskcluster",
    "branch as URL; unanchored patterns; properties that pose as another run; long JSON cut": "values, not courses of events; tests/unit/core/test_admission.py, tests/unit/taskcluster, tests/fuzz/test_admission.py",
    "artifact expiry beyond the task's": "the queue's own schema; tests/integration/taskcluster/test_artifacts.py",
    "merged requests resolved only the first task": "by construction: one request for each run, the collapser is not run",
    "no `product`, or no Change: never resolved": "by construction: nothing is read from a build's properties or changes",
    "poison: a message or row that fails its own handler": "tests/fuzz/test_pulse.py, tests/integration/engine",
    "one REST failure aborted a whole pass": "one Buildbot and one pool are played; tests/integration/engine, tests/acceptance",
    "table locks held over HTTP": "by construction: no transaction lives during a call; tests/integration/engine/test_cost.py",
    "other systems parsed the reason text": "tests/unit/core/test_admission.py holds the text",
    "request time was the graph's creation": "by construction: Buildbot dates the request itself",
    "metrics under wrong names, schema missing from the package": "tests/unit/frame, tests/integration/package",
    "SIGTERM could not interrupt a waiting consumer": "tests/integration/service/test_process.py",
    "claim answer `{}` of a quarantined worker": "answers are parsed where HTTP is; tests/integration/taskcluster, tests/fuzz",
    # other bridges and queues
    "liveness keyed on a reusable worker name (procrastinate#1518)": "leases save double work only, every effect may be repeated; a name is new at each start",
    "the reaper is a job of the queue it repairs (procrastinate#1408)": "by construction: sweeps need no row and no message",
    "rescue by age alone starts a second copy (hexpm#1825)": "by construction: a second submit under the same key is the first",
    "a dedupe map filled from finished work after restart": "by construction: nothing is remembered but credentials",
    "cleanup only at start (airflow#13542)": "every sweep is periodic; `strangers-never-swept` is the like of it",
    "one unreachable backend blocks the loop (test-infra#25337)": "one Buildbot is played; tests/acceptance",
    # tried as mutants, and seen by neither checker
    "adopt and submit race for the next run": "an heir asks only after a look at all rows of its task, so it takes rows that were "
    "lost and come back; tests/unit/core/test_hand_over.py holds the rule",
    "builds that ended RETRY count again for the heir": "a build that ended RETRY is never claimed for, whoever holds the request; "
    "tests/unit/core/test_hand_over.py holds the rule",
    "a RETRY is never told": "allowed: the run then takes the result of the request's next build itself; tests/unit/core/test_ends.py",
    "messages lead to nothing": "allowed: with every hint lost the sweeps bring each run to its right end, a sweep later",
    "a call in doubt is repeated without a read": "claims and reports may be repeated, cancelTask reads for itself "
    "(`cancel-repeated-blindly`); tests/unit/core/test_debts.py and test_timing.py hold the rule",
}
