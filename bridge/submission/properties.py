"""Properties of a build as they are given on a command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from bridge.core.admission import shown
from bridge.definition import DefinitionError


def properties(plain: Sequence[str], as_json: Sequence[str]) -> dict[str, object]:
    """Read `name=text` and `name=JSON`; each name may be given once. Raises `DefinitionError`."""
    found: dict[str, object] = {}
    for option, given, read in (("--property", plain, str), ("--property-json", as_json, json.loads)):
        for each in given:
            name, value = _read(option, each, read)
            if name in found:
                raise DefinitionError(f"{option}: the property {shown(name)!r} is given twice. Keep one of them.")
            found[name] = value
    return found


def _read(option: str, given: str, read: Callable[[str], object]) -> tuple[str, object]:
    name, equals, text = given.partition("=")
    if not (name and equals):
        raise DefinitionError(f"{option}: {shown(given)!r} has no name and value. Write it as {option} name=value.")
    try:
        return name, read(text)
    except (ValueError, RecursionError):
        example = f"{option} '{shown(name)}=[\"a\", 1]'"
        raise DefinitionError(
            f"{option}: the value of {shown(name)!r} is not JSON: {shown(text)}. Put strings in double quotes, all of it in "
            f"single ones: {example}. Or use --property for a plain text."
        ) from None
