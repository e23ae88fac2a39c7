"""The mutants fit today's source, and the hook that puts them in does nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.catalogue import _ALL, MUTANTS
from tests.mutants.hook import install
from tests.mutants.mutant import AnchorError, Mutant


def source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_changes_one_place_of_todays_source_and_compiles(name: str) -> None:
    mutant = MUTANTS[name]
    right = source(mutant.module)
    wrong = mutant.changed(right)
    assert wrong != right
    compile(wrong, mutant.module, "exec")
    ruff = [sys.executable, "-m", "ruff", "check", "--quiet", "--isolated", "--select=F821,F822,F823", "-"]
    done = subprocess.run(ruff, input=wrong, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"a name that does not exist would kill it: {done.stdout}"


def test_names_are_unique_and_many() -> None:
    assert len(MUTANTS) == len(_ALL) >= 40


def test_an_anchor_that_is_missing_or_stands_twice_is_an_error() -> None:
    for anchor in ("nowhere to be found", "return"):
        with pytest.raises(AnchorError):
            Mutant("x", "bridge.core.timing", anchor, "", "", "").changed(source("bridge.core.timing"))


def test_a_module_that_is_imported_already_cannot_be_changed() -> None:
    with pytest.raises(ImportError):
        install(Mutant("x", __name__, "a", "b", "", ""))


_SEES = """
import json, sys
from tests.mutants.hook import install
from tests.mutants.mutant import Mutant
anchor = sys.argv[1]
if anchor:
    install(Mutant('x', 'bridge.core.lease', anchor, 'timedelta(seconds=31)', '', ''))
import bridge.core.lease, bridge.core.timing
print(json.dumps([bridge.core.lease.LEASE.total_seconds(), bridge.core.lease.__file__, bridge.core.timing.JITTER]))
"""


def seen(anchor: str) -> list[object]:
    done = subprocess.run([sys.executable, "-c", _SEES, anchor], capture_output=True, text=True, check=True)
    found: list[object] = json.loads(done.stdout)
    return found


def test_the_hook_changes_the_named_module_in_its_own_process_alone() -> None:
    right = seen("")
    assert seen("timedelta(seconds=30)") == [31.0, *right[1:]]
    assert seen("") == right, "nothing is left behind, compiled files included"
    assert right[0] == 30.0
