"""Verdicts: taken from the complete request, written once, told once, after the artifacts."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "verdict-from-the-build",
        "bridge.core.endings",
        "    if event.state.complete and event.state.results is not None:\n"
        "        return _complete(run, phase, event, event.state.results)\n"
        "    newest = event.state.builds[-1] if event.state.builds else None\n",
        "    newest = event.state.builds[-1] if event.state.builds else None\n"
        "    results = newest.results if newest else event.state.results\n"
        "    if results is not None:\n"
        "        return _complete(run, phase, event, results)\n",
        "the verdict comes from the build's event, not from the request (B-07; hazard 9.2)",
        "S4",
    ),
    Mutant(
        "verdict-before-completion",
        "bridge.core.endings",
        "    if event.state.complete and event.state.results is not None:\n"
        "        return _complete(run, phase, event, event.state.results)\n"
        "    newest = event.state.builds[-1] if event.state.builds else None\n",
        "    newest = event.state.builds[-1] if event.state.builds else None\n"
        "    results = newest.results if newest and newest.results != Results.RETRY else event.state.results\n"
        "    if results is not None:\n"
        "        return _complete(run, phase, event, results)\n",
        "the same, RETRY told apart: the request is still open when the run is resolved (hazard 9.2, 9.4)",
        "S4",
    ),
    Mutant(
        "skipped-never-resolved",
        "bridge.core.endings",
        "    if event.state.complete and event.state.results is not None:\n",
        "    if event.state.complete and event.state.results not in (None, Results.SKIPPED):\n",
        "SKIPPED results are never resolved (B-01, B-02, B-03)",
        "L2",
    ),
    Mutant(
        "exceptions-never-resolved",
        "bridge.core.endings",
        "    if event.state.complete and event.state.results is not None:\n",
        "    if event.state.complete and event.state.results not in (None, Results.EXCEPTION):\n",
        "unknown results are never resolved (B-01)",
        "L2",
    ),
    Mutant(
        "cancelled-before-start-unnoticed",
        "bridge.core.endings",
        "    if event.state.complete and event.state.results is not None:\n",
        "    if event.state.complete and event.state.results is not None and event.state.builds:\n",
        "a request cancelled in Buildbot before its start gave no message (B-12)",
        "L6",
    ),
    Mutant(
        "cancel-by-elapsed-time",
        "bridge.core.endings",
        "    return run if newest is None else _started(run, phase, newest, event)\n",
        "    if newest is None and (event.at - event.state.submitted_at).total_seconds() > 60:\n"
        '        gone = Verdict(Resolution.CANCELED, "nothing has started for long", Results.CANCELLED)\n'
        "        reporting = Reporting(phase.request, None, event.rules.own_worker, gone, event.at, phase.claim)\n"
        "        return timing.enter(run, reporting, event.at)\n"
        "    return run if newest is None else _started(run, phase, newest, event)\n",
        "a poll cancelled tasks because it judged by elapsed time, for 19 months (B-12)",
        "S4, S5",
        by=("simulation",),
    ),
    Mutant(
        "collapsed-is-success",
        "bridge.core.verdict",
        "        case Results.SKIPPED if ending.had_build:\n",
        "        case Results.SKIPPED if ending.results == Results.SKIPPED:\n",
        "merged requests: tasks that were never built are resolved by another's build (B-03)",
        "S4",
    ),
    Mutant(
        "exception-is-failure",
        "bridge.core.verdict",
        '            return _Line("the build ended with an exception in Buildbot", results.exception)\n',
        '            return _Line("the build ended with an exception in Buildbot", results.failure)\n',
        "a fault of the machines blames the author (hazard table of verdicts)",
        "S4",
        by=("simulation",),
    ),
    Mutant(
        "shutdown-taken-for-a-person",
        "bridge.core.verdict",
        "        case Results.CANCELLED if ending.by_master_shutdown:\n",
        "        case Results.CANCELLED if ending.by_master_shutdown and not ending.had_build:\n",
        "a master's stop is mirrored as a person's cancel (hazard 13.3; B-10)",
        "S4",
    ),
    Mutant(
        "retry-is-final",
        "bridge.core.endings",
        "    reporting = Reporting(phase.request, phase.build, phase.worker, verdict.RETRIED, event.at, phase.claim)\n",
        "    lost = Verdict(Resolution.WORKER_SHUTDOWN, verdict.RETRIED.why, Results.RETRY)\n"
        "    reporting = Reporting(phase.request, phase.build, phase.worker, lost, event.at, phase.claim)\n",
        "RETRY reported as worker-shutdown, and its own rerun on top: a second request (O-02, B-09)",
        "S1, S4",
    ),
    Mutant(
        "verdict-written-twice",
        "bridge.core.lifecycle",
        '    """What will be told is written down: nothing that Buildbot says changes it; only a success may prove not to be whole."""\n    match event:\n',
        '    """What Buildbot says last counts."""\n'
        "    if isinstance(event, RequestSeen) and isinstance(phase, Reporting) and phase.build is not None:\n"
        "        building = Building(phase.request, phase.build, phase.worker, phase.claim)\n"
        "        return endings.request_seen(run, building, event)\n"
        "    match event:\n",
        "the verdict is computed again on each read, and can change between two reports (hazard 11.2)",
        "S4",
        config="retry",
    ),
    Mutant(
        "verdict-dropped-at-a-5xx",
        "bridge.core.lifecycle",
        '    """What will be told is written down: nothing that Buildbot says changes it; only a success may prove not to be whole."""\n    match event:\n',
        '    """A report is made once."""\n'
        "    match event:\n"
        "        case Doubted() | Deferred() if isinstance(phase, Reporting):\n"
        '            return timing.enter(run, Settled("reported", phase.request, phase.build), event.at)\n',
        "failed upload or 5xx on the report, acked anyway: the result is lost (R-02, F-08); the verdict is not retried from "
        "a durable state (Chromium's Buildbucket)",
        "L2",
        config="buildbot",
    ),
    Mutant(
        "artifacts-after-the-report",
        "bridge.engine.reporting",
        "            if (doubt := await _attached(engine, run, command)) is not None:\n"
        "                return doubt\n"
        "    if command.verdict.resolution is Resolution.CANCELED:\n"
        "        return await _cancel_task(engine, run, command)\n"
        "    return await _resolve(engine, run, command, command.verdict.resolution)\n",
        "            pass\n"
        "    if command.verdict.resolution is Resolution.CANCELED:\n"
        "        return await _cancel_task(engine, run, command)\n"
        "    at = engine.clock.now()\n"
        "    status = await engine.queue.resolve(run.key, command.verdict.resolution)\n"
        "    if command.claimed and (doubt := await _attached(engine, run, command)) is not None:\n"
        "        return doubt\n"
        "    return await engine.hear(run.key, TaskSeen(at, status, engine.pool_of(run).rules))\n",
        "artifact on a resolved task raised; the message was requeued for ever (R-03, F-09)",
        "S9",
        by=("simulation",),
    ),
    Mutant(
        "files-left-behind",
        "bridge.engine.outputs",
        "        await this.attach(artifact, mandatory=output.mandatory)\n        return None\n",
        "        return None\n",
        "the result is told though what the task must carry is not stored (hazard 10.4)",
        "S9",
        by=("simulation",),
    ),
    Mutant(
        "cancel-without-a-read",
        "bridge.engine.reporting",
        "    if command.verdict.resolution is Resolution.CANCELED:\n"
        "        return await _cancel_task(engine, run, command)\n",
        "    if command.verdict.resolution is Resolution.CANCELED:\n"
        "        try:\n"
        "            gone = await engine.queue.cancel_task(run.key.task_id)\n"
        "        except (faults.Conflicting, faults.Unavailable, faults.Missing) as fault:\n"
        "            return await _doubted(engine, run, command, fault)\n"
        "        return await engine.hear(run.key, TaskSeen(engine.clock.now(), gone, engine.pool_of(run).rules))\n",
        "cancel, then a quick rerun: the old CANCELLED cancels the new run (T-04)",
        "S5",
    ),
    Mutant(
        "cancel-repeated-blindly",
        "bridge.engine.reporting",
        "        after = await engine.queue.cancel_task(run.key.task_id)\n"
        "    except (faults.Conflicting, faults.Unavailable, faults.Missing) as fault:\n"
        "        return await _doubted(engine, run, command, fault)\n",
        "        after = await engine.queue.cancel_task(run.key.task_id)\n"
        "    except (faults.Conflicting, faults.Unavailable, faults.Missing):\n"
        "        after = await engine.queue.cancel_task(run.key.task_id)\n",
        "a cancelTask of unknown outcome is repeated without a read in between (hazard 13.2)",
        "S5",
        first=("single/cancelled in Buildbot/cancel_task/lost_reply",),
    ),
    Mutant(
        "lost-at-the-first-miss",
        "bridge.core.endings",
        "    if reads < LOST_READS or event.at - since < LOST_AFTER:\n",
        "    if reads < 1:\n",
        "an empty answer is believed at once (hazard 9.5, 9.7)",
        "S8",
        first=("single/deadline while pending/states/requests_hidden",),
    ),
)
