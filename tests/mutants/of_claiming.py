"""Claims: taken when a build has started, kept while it runs, under one identity."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "claimed-at-submission",
        "bridge.core.debts",
        "    if phase.worker is not None and phase.claim is not None:\n"
        "        yield from _kept(run, phase.worker, phase.claim)\n",
        '    yield from _kept(run, phase.worker or Worker("bridge", "somebody"), phase.claim)\n',
        "claimed at submission: waiting tasks look running (O-01); created-but-never-started counted as running "
        "(actions-runner-controller#4602)",
        "S3",
    ),
    Mutant(
        "never-reclaimed",
        "bridge.core.debts",
        "(claim.reclaim_at, ReclaimRun(worker))",
        "(claim.taken_until.replace(year=2100), ReclaimRun(worker))",
        "`reclaiming in the meantime` was only a log line (B-06, R-02)",
        "L4",
        first=("plain/build of many claims",),
    ),
    Mutant(
        "reclaimed-too-late",
        "bridge.core.timing",
        "    return Claim(taken_until, at + (taken_until - at) * RECLAIM_AFTER * spread)\n",
        "    return Claim(taken_until, taken_until + (taken_until - at) / 10 * spread)\n",
        "the reclaim sweep is too slow: claims expire (M-04)",
        "L4",
        first=("plain/build of many claims",),
    ),
    Mutant(
        "one-failed-reclaim-is-the-last",
        "bridge.core.timing",
        "    return replace(claim, reclaim_at=min(until, half) if half > at else until)\n",
        "    return replace(claim, reclaim_at=claim.taken_until + timedelta(days=1))\n",
        "the reclaim loop is ended by one non-409 error (scriptworker); the successor's died at the first one (F-08)",
        "L4",
        first=("single/build of many claims/reclaim/5xx",),
    ),
    Mutant(
        "another-identity-after-a-retry",
        "bridge.core.endings",
        "    worker = phase.worker or worker_for(event.rules.worker_group, newest.worker)\n"
        "    return timing.enter(run, Building(phase.request, BuildId(newest.build_id), worker), event.at)\n",
        '    worker = worker_for(event.rules.worker_group, f"{newest.worker}-{newest.build_id}")\n'
        "    return timing.enter(run, Building(phase.request, BuildId(newest.build_id), worker), event.at)\n",
        "the identity of a claim is made anew, so an unknown outcome cannot be repeated (hazard 7.1)",
        "S3",
        config="sweeps",
    ),
    Mutant(
        "a-refused-claim-stops-the-build",
        "bridge.engine.claiming",
        "    except (faults.Conflicting, faults.Unavailable) as fault:\n        if run.attempts >= _SUSPICIOUS:\n",
        "    except (faults.Conflicting, faults.Unavailable) as fault:\n"
        '        await engine.pool_of(run).builds.cancel(run.key, "the claim was refused")\n'
        "        if run.attempts >= _SUSPICIOUS:\n",
        "a 409 or 5xx on the claim is taken for the run's end (taskcluster#6681; hazards 7.2, 7.3)",
        "S7",
        first=("single/success/claim/5xx",),
    ),
    Mutant(
        "claims-in-the-status-unseen",
        "bridge.core.lifecycle",
        "        case RunState.RUNNING:\n            return _running(run, seen, event)\n",
        "        case RunState.RUNNING:\n            return run\n",
        "a claim whose answer was lost is never known, a foreign one never noticed (taskcluster#6682; hazard 7.8)",
        "L3, L4",
    ),
    Mutant(
        "foreign-claims-ignored",
        "bridge.core.endings",
        '    return unwanted(run, f"claimed by another worker, {worker.group}/{worker.id}", at, claimed=False)\n',
        "    return run\n",
        "somebody else's worker has the run and our build goes on (hazard 7.8)",
        "L3",
    ),
    Mutant(
        "unclaimed-never-reported",
        "bridge.core.debts",
        "    if phase.claim is not None or not as_it_is:\n",
        "    if phase.claim is not None:\n",
        "finish handled before start: a report on an unclaimed run (B-04)",
        "L2",
    ),
)
