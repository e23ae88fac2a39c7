"""The hand-over of a request from a retried run to the next."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "heir-with-a-request-adopts",
        "bridge.core.chain",
        "    return isinstance(heir.phase, Wanted) and (not heir.phase.asked or seen.state is RunState.RUNNING)\n",
        "    return isinstance(heir.phase, Wanted)\n",
        "adopt and submit race for the next run (hazard 5.2; M-02)",
        "S1, L3",
    ),
    Mutant(
        "a-rerun-adopts",
        "bridge.core.chain",
        "    return ended.reason_resolved in _RETRIED and following.reason_created in _RETRY\n",
        "    return ended.reason_resolved is not None and following is not None\n",
        "a rerun takes over the request of the run before it: an old result for a new run (T-08; rule 5)",
        "S4",
    ),
    Mutant(
        "unreported-result-not-adopted",
        "bridge.core.endings",
        "        case Reporting(verdict=written):\n            return written != verdict.LOST\n",
        "        case Reporting(verdict=written):\n            return written == verdict.RETRIED\n",
        "a lost status update plus a crash restarts the work (virtual-kubelet#762; rule 1)",
        "S1, L2",
    ),
    Mutant(
        "the-told-build-counts-again",
        "bridge.core.endings",
        "    return Queued(phase.request, after=kept)\n",
        "    return Queued(phase.request, after=None if kept else kept)\n",
        "the heir claims for the build that had ended RETRY, and tells of it a second time (hazard 14.1)",
        "S4",
    ),
    Mutant(
        "second-build-unseen",
        "bridge.core.endings",
        "    retried = newest.build_id > phase.build or (own is not None and own.results == Results.RETRY)\n",
        "    retried = newest.build_id < phase.build\n",
        "a second build finishes before anybody heard of the RETRY (B-07; hazard 9.3)",
        "S4, L4",
    ),
    Mutant(
        "the-next-build-unseen",
        "bridge.core.endings",
        "    if phase.after is not None and newest.build_id <= phase.after:\n",
        "    if phase.after is not None:\n",
        "the build after a RETRY is never claimed for (hazard 14.1)",
        "L4",
    ),
)
