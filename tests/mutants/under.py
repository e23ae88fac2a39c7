"""`python -m tests.mutants.under NAME MODULE ARGUMENTS…`: runs any module of the tests under a mutant.

For a look at how a mutant dies: `python -m tests.mutants.under retry-kills-the-build tests.simulation --replay SCHEDULE`.
"""

from __future__ import annotations

import runpy
import sys

from tests.mutants.catalogue import MUTANTS
from tests.mutants.hook import install


def main() -> None:
    """Put the mutant in, and run the module as a program."""
    _, name, module, *_ = sys.argv
    install(MUTANTS[name])
    sys.argv[:] = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
