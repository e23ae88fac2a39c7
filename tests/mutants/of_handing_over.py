"""The hand-over of a request from a retried run to the next."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "a-rerun-adopts",
        "bridge.core.chain",
        "    return ended.reason_resolved in _RETRIED and following.reason_created in _RETRY\n",
        "    return ended.reason_resolved is not None and following is not None\n",
        "a rerun takes over the request of the run before it: an old result for a new run (T-08; rule 5)",
        "S4",
        first=("single/cancelled and rerun/insert/pulse_lost",),
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
        "the-next-build-unseen",
        "bridge.core.endings",
        "    if phase.after is not None and newest.build_id <= phase.after:\n",
        "    if phase.after is not None:\n",
        "the build after a RETRY is never claimed for (hazard 14.1)",
        "L4",
    ),
)
