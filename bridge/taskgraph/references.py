"""Values that taskgraph replaces when a task is created: `task-reference`, `artifact-reference`, `relative-datestamp`.

They may stand anywhere in a payload, at any depth. A payload is checked before they are replaced, so the check sees what
they might become; and what they could never become is told here.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping

from taskgraph.util.parameterization import ARTIFACT_REFERENCE_PATTERN

TASK, ARTIFACT, DATE = "task-reference", "artifact-reference", "relative-datestamp"
_EDGE = re.compile(r"<([^>]+)>")
_TASK_ID = "A" * 22


def kind_of(value: object) -> str | None:
    """Which kind of reference this is, None if none."""
    if isinstance(value, Mapping) and len(value) == 1:
        (key,) = value
        return key if key in (TASK, ARTIFACT, DATE) else None
    return None


def as_created(value: object) -> object:
    """A copy in which each reference is a string such as it may become; tuples and other mappings are lists and dicts."""
    match value:
        case Mapping() if kind := kind_of(value):
            return _resolved(kind, value[kind])
        case Mapping():
            return {key: as_created(item) for key, item in value.items()}
        case list() | tuple():
            return [as_created(item) for item in value]
        case _:
            return value


def _resolved(kind: str, written: object) -> object:
    if isinstance(written, Mapping):  # taskgraph replaces the keys then, and looks for references in the values
        return {_text(kind, str(key)): as_created(item) for key, item in written.items()}
    return _text(kind, str(written))


def _text(kind: str, written: str) -> str:
    return written if kind == DATE else _EDGE.sub(_TASK_ID, written)


def problems(value: object, path: str) -> Iterator[str]:
    """A sentence for each reference that cannot come to good; `path` names the place of `value`."""
    match value:
        case Mapping() if kind := kind_of(value):
            yield from _of(kind, value[kind], f"{path}.{kind}")
        case Mapping():
            for key, item in value.items():
                yield from problems(item, f"{path}.{key}")
        case list() | tuple():
            for number, item in enumerate(value):
                yield from problems(item, f"{path}[{number}]")
        case _:
            return


def _of(kind: str, written: object, path: str) -> Iterator[str]:
    match written:
        case str() if kind == ARTIFACT:
            yield from _artifacts(written, path)
        case str():
            return
        case Mapping():
            for key, item in written.items():
                yield from _of(kind, key, path)
                yield from problems(item, f"{path}.{key}")
        case _:
            yield f"{path}: is {reprlib.repr(written)}, no string. Write text with the name of a dependency in it: <build>."


def _artifacts(written: str, path: str) -> Iterator[str]:
    # taskgraph's own pattern: to it `<build> <scan/public/x>` names an artifact of a dependency `build> <scan`.
    named = ARTIFACT_REFERENCE_PATTERN.findall(written)
    if not named or any(">" in edge for edge, _ in named):
        yield f"{path}: {written!r} names no artifact of a dependency. Write <dependency/public/name>."
        return
    for edge, artifact in named:
        if not artifact.startswith("public/"):
            yield (
                f"{path}: <{edge}/{artifact}> is not public. taskgraph makes it an address of the decision task's proxy, "
                "which no Buildbot worker can reach. Name an artifact under public/, or pass the task's id by a "
                "task-reference and let the build fetch the artifact with credentials of its own."
            )
