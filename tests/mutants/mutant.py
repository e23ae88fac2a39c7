"""A mutant: one defect put back into the production code, as a replacement of its source text."""

from __future__ import annotations

from dataclasses import dataclass


class AnchorError(Exception):
    """The text that a mutant replaces does not stand exactly once in its module."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`anchor` stands exactly once in the source of `module` and becomes `replacement`.

    `was`: the defect or incident that it stands for. `breaks`: the invariants at risk. `by`: the checkers that are to kill
    it, one of which has to. `first` and `config`: schedules of the simulation, or a configuration of the model, that killed
    it once, tried before all others; in a schedule's name a call may stand by its own name, for all calls of that name.
    """

    name: str
    module: str
    anchor: str
    replacement: str
    was: str
    breaks: str
    by: tuple[str, ...] = ("simulation", "model")
    first: tuple[str, ...] = ()
    config: str = ""

    def changed(self, source: str) -> str:
        """The source with the defect in it; raises `AnchorError`."""
        if (found := source.count(self.anchor)) != 1:
            raise AnchorError(f"{self.name}: its anchor stands {found} times in {self.module}")
        return source.replace(self.anchor, self.replacement)
