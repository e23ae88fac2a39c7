"""Puts a mutant in: an import hook that compiles one module from changed source. It must come before that module's import."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from tests.mutants.mutant import Mutant


class _Loader(SourceFileLoader):
    """Reads the source each time: the compiled files beside it are those of the right code."""

    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode()
        return compile(self._mutant.changed(source), self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self._mutant)
        return spec


def install(mutant: Mutant) -> None:
    """Have the mutant's module compiled from its changed source when it is imported; raises if it was already."""
    if mutant.module in sys.modules:
        raise ImportError(f"{mutant.module} is imported already, so {mutant.name} comes too late")
    sys.meta_path.insert(0, _Finder(mutant))
