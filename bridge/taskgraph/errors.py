"""How a person is told, while the graph is made, what cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taskgraph.util import schema

from bridge.definition import DefinitionError

if TYPE_CHECKING:
    _Silent = Exception
else:
    # What a person wrote is wrong, not a program: since its release 23.1 taskgraph logs this one while it loads a kind, and
    # ends without a traceback. Anywhere else it would end without a word.
    _Silent = getattr(schema, "SchemaValidationError", Exception)


class KindError(DefinitionError, _Silent):
    """A kind's tasks cannot be made; a line for each problem says what is wrong, where, and how to mend it."""


def refuse_kind(where: str, problems: Iterable[str]) -> None:
    """Raise `KindError` if there are problems; `where`, such as `kind test: task test-1`, begins each line."""
    if lines := _lines(where, problems):
        raise KindError(lines)


def refuse(where: str, problems: Iterable[str]) -> None:
    """Raise `DefinitionError` if there are problems, where no kind is being loaded."""
    if lines := _lines(where, problems):
        raise DefinitionError(lines)


def _lines(where: str, problems: Iterable[str]) -> str:
    return "\n".join(f"{where}: {problem}" for problem in problems)
