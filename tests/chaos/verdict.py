"""What a round shows: what was lost, doubled, wrongly reported, wrongly stopped or late, task by task."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.chaos.stream import Made
from tests.history.evidence import OPEN, Evidence
from tests.history.judge import judge
from tests.history.rest import at_rest

Wrong = Literal["lost", "doubled", "wrong_verdict", "wrongful_stop", "late"]
WRONGS: Final[tuple[Wrong, ...]] = ("lost", "doubled", "wrong_verdict", "wrongful_stop", "late")
# By the letter at the start of a finding of the judge.
KINDS_OF: Final[Mapping[str, Wrong]] = {
    "S1": "doubled", "S2": "doubled", "S3": "wrong_verdict", "S4": "wrong_verdict", "S5": "wrongful_stop",
    "S7": "wrongful_stop", "S9": "wrong_verdict", "S12": "doubled", "L1": "lost", "L2": "lost", "L3": "lost",
}  # fmt: skip
BOUND: Final = 90.0
"""Seconds from the moment when all was healed, or from a later end of the build itself, to the end of a run: a sweep (10 at
most here), a wait after failed tries (30 at most), the lease of a replica that was killed (30) and the grace for a holder
of credentials that is gone (15)."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in words; `task` where it is about one."""

    wrong: Wrong
    words: str
    task: str | None


def found(evidence: Evidence, made: Mapping[str, Made], healed: float) -> list[Finding]:
    """Everything that was wrong with these tasks."""
    said = [*judge(evidence), *at_rest(evidence)]
    findings = [Finding(KINDS_OF[words.partition(":")[0]], words, _about(words, evidence)) for words in said]
    findings += [Finding("wrong_verdict", words, task) for task, words in _unexpected(evidence, made)]
    findings += [Finding("late", words, task) for task, words in _expired(evidence)]
    return [*findings, *_late(evidence, healed)]


def _about(words: str, evidence: Evidence) -> str | None:
    return next((task for task in evidence.tasks if task in words), None)


def _unexpected(evidence: Evidence, made: Mapping[str, Made]) -> Iterable[tuple[str, str]]:
    """Ends that the task's kind does not have, whatever happens to it on the way."""
    for task in evidence.tasks:
        runs = evidence.runs(task)
        end = runs[-1].get("reasonResolved") if runs else None
        if end is not None and end not in made[task].kind.ends:
            yield task, f"{task} ({made[task].kind.name}) ended as {end}"


def _expired(evidence: Evidence) -> Iterable[tuple[str, str]]:
    """Claims that ran out: they last three minutes here and are renewed after one; faults that follow each other leave two.

    With claims of two minutes a stall of Buildbot, a dropped database, three 500s and the death of the row's holder, one
    after the other, were once too much. In production a claim lasts twenty minutes.
    """
    for task in evidence.tasks:
        for number, run in enumerate(evidence.runs(task)):
            if run.get("reasonResolved") == "claim-expired":
                yield task, f"the claim of {task}/{number} expired"


def _late(evidence: Evidence, healed: float) -> Iterable[Finding]:
    """Ends that came too long after everything that they waited for."""
    changed = defaultdict[tuple[str, int], dict[str, float]](dict)
    for change in evidence.history:
        changed[change["taskId"], change["runId"]].setdefault(change["state"], change["unix"])
    for (task, run), at in changed.items():
        ended = next((when for state, when in at.items() if state not in OPEN), None)
        if ended is None:
            continue  # told as lost
        request = evidence.request_for(task, run)
        built = [request["complete_at"]] if request is not None and request["complete"] else []
        since = max([healed, at.get("pending", 0.0), *(when for when in [*built, *_builds(request)] if when <= ended)])
        if ended - since > BOUND:
            yield Finding("late", f"{task}/{run} was resolved {ended - since:.0f} s after all was healed and built", task)
        if built and built[0] - max(healed, ended) > BOUND:
            yield Finding("late", f"the request of {task}/{run} was over {built[0] - ended:.0f} s after its run", task)


def _builds(request: Mapping[str, Any] | None) -> list[float]:
    """When the request's builds ended: a run that ends with RETRY has waited for one, though the request goes on."""
    return [build["complete_at"] for build in request["builds"] if build["complete_at"]] if request is not None else []
