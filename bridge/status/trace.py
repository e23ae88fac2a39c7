"""One timeline of all that happened to a task: what the rows tell, and both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.core.ledger import Step
from bridge.status import answers


def together(
    there: answers.TaskclusterView, steps: Iterable[Step], of_builds: Iterable[answers.Happening]
) -> list[answers.Happening]:
    """All in the order of time; what has one moment in the order Taskcluster, bridge, Buildbot."""
    found = [*_of_taskcluster(there), *map(_of_bridge, steps), *of_builds]
    return sorted(dict.fromkeys(found), key=lambda each: each.at)


def _of_taskcluster(there: answers.TaskclusterView) -> Iterator[answers.Happening]:
    for run in there.runs or ():
        yield answers.Happening(
            at=run.scheduled, side="taskcluster", run_id=run.run_id, what=f"run scheduled ({run.reason_created})"
        )
        if run.resolved is not None:
            reason = f" ({run.reason_resolved})" if run.reason_resolved not in (None, run.state) else ""
            what = f"run resolved: {run.state}{reason}"
            yield answers.Happening(at=run.resolved, side="taskcluster", run_id=run.run_id, what=what)


def _of_bridge(step: Step) -> answers.Happening:
    what = f"{step.from_phase or '·'} → {step.to_phase}: {step.because} [{step.who}]"
    return answers.Happening(at=step.at, side="bridge", run_id=step.run_id, what=what)
