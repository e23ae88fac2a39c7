"""From the pending run to its one build request."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "submit-under-a-new-key",
        "bridge.engine.requesting",
        "        request = await pool.builds.submit(run.key, order)\n",
        "        other = RunKey(run.key.task_id, RunId(run.key.run_id + 100 * min(run.attempts, 8)))\n"
        "        request = await pool.builds.submit(other, order)\n",
        "submit not idempotent: a repeated one makes a second request (original; hazard 4.3)",
        "S1",
    ),
    Mutant(
        "row-means-done",
        "bridge.core.debts",
        "        case Wanted():\n            yield run.not_before, RequestBuild()\n",
        "        case Wanted(asked=asked):\n            if not asked:\n                yield run.not_before, RequestBuild()\n",
        "a crash between row and submission: the redelivery is taken for a duplicate, the task is lost (F-19)",
        "L1",
    ),
    Mutant(
        "build-for-a-dead-task",
        "bridge.engine.requesting",
        "    if pending is not None and pending.state is RunState.PENDING and at < status.deadline:\n",
        "    if pending is not None:\n",
        "cancelled before its pending message was handled: a build for a dead task (T-05)",
        "S2",
        config="amnesia",
    ),
    Mutant(
        "both-runs-submit",
        "bridge.engine.requesting",
        "    rows = await engine.hear(run.key, seen, Asking(seen.at, order.builder, teller))\n",
        "    teller = None\n"
        "    rows = await engine.hear(run.key, Asking(seen.at, order.builder))\n"
        "    rows = {number: row for number, row in rows.items() if number == run.key.run_id}\n",
        "unique (task, run) does not stop run 0 and run 1 from both submitting (M-02)",
        "S1",
        config="late",
    ),
    Mutant(
        "full-means-refused",
        "bridge.engine.requesting",
        "        engine.memory.close((pool.name, order.builder), at + timedelta(seconds=full.retry_after or _QUEUE_FULL))\n"
        "        return HeldBack(at, _turn(engine, run, seen, order), str(full), asked=False)\n",
        "        return Inadmissible(at, refusal([str(full)]).reason, pool.rules)\n",
        "a full builder, a state of Buildbot's, resolves tasks (hazard 4.8)",
        "S8",
    ),
    Mutant(
        "away-means-refused",
        "bridge.engine.requesting",
        "    except faults.Unfit as unfit:\n",
        "    except (faults.Unfit, faults.Unavailable) as unfit:\n",
        "an outage on our side resolves tasks as malformed (hazard 2.2, 4.8)",
        "S8",
        config="plain",
    ),
    Mutant(
        "scopes-unasked",
        "bridge.core.admission",
        "    if not any(satisfies(scopes, scope) for scope in needed):\n",
        "    if not needed:\n",
        "scope spellings: tasks without the scope are built (A-08)",
        "S2",
    ),
    Mutant(
        "unknown-builder-waits",
        "bridge.engine.requesting",
        '        return Inadmissible(at, refusal([f"Buildbot does not take the build: {unfit}."]).reason, pool.rules)\n',
        "        return HeldBack(at, at + _LEFT_ALONE, str(unfit), asked=False)\n",
        "unknown builder: the request never ran, the task hung till its deadline (A-06)",
        "L5",
    ),
    Mutant(
        "malformed-made-internal-error",
        "bridge.engine.reporting",
        "    return await _resolve(engine, run, command, None)\n",
        "    return await _resolve(engine, run, command, Resolution.INTERNAL_ERROR)\n",
        "ends of bad tasks misled their authors (A-01)",
        "S4",
    ),
    Mutant(
        "highest-below-high",
        "bridge.core.status",
        '("lowest", "very-low", "low", "medium", "high", "very-high", "highest")',
        '("lowest", "very-low", "low", "highest", "medium", "high", "very-high")',
        "`highest` ranked below `high` (T-13)",
        "the order of builds",
    ),
    Mutant(
        "priority-untold",
        "bridge.core.debts",
        "    if phase.priority is not None and run.facts is not None and run.facts.priority != phase.priority:\n",
        "    if phase.priority is None and run.facts is not None and run.facts.priority != phase.priority:\n",
        "a changed priority of the task never reaches the waiting request (T-13)",
        "the order of builds",
    ),
    Mutant(
        "duplicate-after-lost-rows",
        "bridge.engine.recovering",
        "    while chain.passes_on(status, RunId(number - 1)):\n",
        "    while number > 999 and chain.passes_on(status, RunId(number - 1)):\n",
        "restart duplicates what already runs (interLink#195)",
        "S1, S11",
        first=("single/claim expired/claim/database_dropped",),
    ),
)
