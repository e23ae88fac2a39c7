"""Ending builds that Taskcluster does not want any more, and only those."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "row-dropped-though-the-cancel-failed",
        "bridge.engine.stopping",
        '    state = await pool.builds.cancel(RunKey(run.key.task_id, command.created_for), f"Taskcluster: {command.because}")\n',
        "    try:\n"
        '        state = await pool.builds.cancel(RunKey(run.key.task_id, command.created_for), f"Taskcluster: {command.because}")\n'
        "    except faults.Fault:\n"
        "        return await engine.hear(run.key, Attached(at))\n",
        "rows dropped though the cancel had failed (T-25, T-10)",
        "L3",
        first=("single/cancelled while running/cancel/5xx",),
    ),
    Mutant(
        "cancel-believed-at-once",
        "bridge.core.lifecycle",
        "            return replace(run, phase=replace(phase, asked=phase.asked + 1), not_before=until)\n",
        "            return timing.enter(run, Settled(phase.because, phase.request, phase.build), until)\n",
        "a cancel is accepted without effect, and never repeated (T-10; hazard 12.3)",
        "L3",
    ),
    Mutant(
        "cancel-too-soon",
        "bridge.core.endings",
        "            return replace(timing.enter(run, Stopping(None, because, at), at), not_before=at + LEASE)\n",
        "            return timing.enter(run, Settled(because), at)\n",
        "cancel `too soon` answered 404: later the request was orphaned (T-10)",
        "L3",
        config="late",
    ),
    Mutant(
        "judged-by-the-last-run",
        "bridge.core.lifecycle",
        "    seen = run_in(event.status, run.key.run_id)\n    if seen is None:",
        "    seen = event.status.runs[-1] if event.status.runs else None\n    if seen is None:",
        "an exception message whose last run was already another (F-04)",
        "S4, S7",
    ),
    Mutant(
        "exception-means-stop",
        "listeners.taskcluster",
        "        moved = await self.house.sweeps.hinted(dict.fromkeys(keys))\n",
        "        for key in keys:\n"
        '            await next(iter(self.house.engine.pools.values())).builds.cancel(key, "the task ended as exception")\n'
        "        moved = await self.house.sweeps.hinted(dict.fromkeys(keys))\n",
        "RETRY or claim-expired makes a listener kill the replacement build: the message decides (B-07, B-08, T-19)",
        "S7",
        by=("simulation",),
    ),
    Mutant(
        "retry-kills-the-build",
        "bridge.core.endings",
        "        case Queued() | Building():\n            return True\n        case Reporting(verdict=Verdict",
        "        case Queued() | Building():\n            return False\n        case Reporting(verdict=Verdict",
        "claim-expired made the reflector kill the replacement build (B-08, T-19)",
        "S7",
    ),
    Mutant(
        "told-retry-kills-the-build",
        "bridge.core.endings",
        "        case Reporting(verdict=written):\n            return written != verdict.LOST\n",
        "        case Reporting(verdict=written):\n            return written not in (verdict.LOST, verdict.RETRIED)\n",
        "RETRY made the reflector kill the replacement build (B-07)",
        "S7",
    ),
    Mutant(
        "deadline-by-the-local-clock",
        "bridge.core.lifecycle",
        "        case RunState.PENDING:\n            return run\n",
        "        case (RunState.PENDING | RunState.RUNNING) if event.at >= event.status.deadline:\n"
        '            return endings.unwanted(run, "the deadline has passed", event.at, claimed=False)\n'
        "        case RunState.PENDING:\n            return run\n",
        "the bridge itself acts on the deadline, which the queue has not resolved (T-16; hazard 8.10)",
        "S7",
        by=("simulation",),
    ),
    Mutant(
        "deadline-unnoticed",
        "bridge.core.endings",
        "    reason = seen.reason_resolved or seen.state.value\n    match run.phase:\n",
        "    reason = seen.reason_resolved or seen.state.value\n"
        '    if reason == "deadline-exceeded":\n'
        "        return run\n"
        "    match run.phase:\n",
        "deadline: builds ran on (T-16, T-18)",
        "L3",
    ),
    Mutant(
        "one-404-is-enough",
        "bridge.core.lifecycle",
        "    if run.absent_since is None or event.at - run.absent_since < CONFIRM_ABSENCE:\n",
        "    if run.absent_since is not None and event.at - run.absent_since < CONFIRM_ABSENCE:\n",
        "one odd 404 ends a run (hazard 2.1; the definition's 404 of the original)",
        "S7",
        by=("simulation",),
        first=("single/priority changed/status/404",),
    ),
    Mutant(
        "an-outage-means-gone",
        "bridge.engine.engine",
        "            case faults.Missing() if not isinstance(command, ReclaimRun):\n",
        "            case faults.Missing() | faults.Unavailable():\n",
        "successor: a row is deleted, and its build stopped, because the queue did not answer (T-10; hazard 8.3)",
        "S7",
        by=("simulation",),
    ),
    Mutant(
        "an-adopted-build-runs-on",
        "bridge.core.debts",
        "    created_for = phase.request.created_for if phase.request else run.key.run_id\n",
        "    created_for = run.key.run_id\n",
        "look-ups by something else than the request: a cancel of run 1 looks for run 1's own request (hazard 12.4)",
        "L3",
    ),
    Mutant(
        "build-runs-on-without-retries",
        "bridge.core.endings",
        "        case Reporting(verdict=written) as phase if written == verdict.RETRIED:\n"
        "            return timing.enter(run, Stopping(phase.request, because, at, phase.build), at)\n",
        "        case Reporting(verdict=written) as phase if written == verdict.RETRIED:\n"
        "            return timing.enter(run, _settled(phase, because), at)\n",
        "retries used up, and Buildbot builds again for nobody (hazard 14.4)",
        "L3",
    ),
)
