"""How a person is told, while the graph is made, what cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taskgraph.util import schema

from bridge.definition import DefinitionError

if TYPE_CHECKING:
    _Silent = Exception
else:
    # taskgraph prints no traceback for this one (since its release 23): what a person wrote is wrong, not a program.
    _Silent = getattr(schema, "SchemaValidationError", Exception)


class GenerationError(DefinitionError, _Silent):
    """The graph cannot be made; a line for each problem says what is wrong, where, and how to mend it."""


def refuse(where: str, problems: Iterable[str]) -> None:
    """Raise `GenerationError` if there are problems; `where`, such as `kind test: task test-1`, begins each line."""
    if lines := [f"{where}: {problem}" for problem in problems]:
        raise GenerationError("\n".join(lines))
