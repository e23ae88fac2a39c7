"""All mutants, by name."""

from collections.abc import Mapping

from tests.mutants import of_claiming, of_handing_over, of_stopping, of_submitting, of_sweeping, of_verdicts
from tests.mutants.mutant import Mutant

_ALL = (
    *of_submitting.MUTANTS,
    *of_claiming.MUTANTS,
    *of_verdicts.MUTANTS,
    *of_stopping.MUTANTS,
    *of_handing_over.MUTANTS,
    *of_sweeping.MUTANTS,
)
MUTANTS: Mapping[str, Mutant] = {mutant.name: mutant for mutant in _ALL}
