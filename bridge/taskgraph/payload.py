"""Whether a payload is one that the bridge can read, said in sentences."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema

from bridge.definition import builder_problem, inadmissible, payload_schema
from bridge.taskgraph import plain, references

KEYS = ("buildername", "sourcestamp", "sourcestamps", "properties")
_TYPES = {"string": "a string", "object": "a mapping", "array": "a list"}


def problems(payload: Mapping[str, object], written: Callable[[str], str]) -> Iterator[str]:
    """A sentence for each problem, beginning with its field; `written` says how a person wrote a key of the payload."""
    unfit = [*plain.problems(payload, ""), *references.problems(payload, "")]
    if not unfit:
        unfit = [*_builder(payload.get("buildername")), *_against_schema(references.as_created(payload))]
    for problem in unfit:
        key, rest = _first(problem)
        yield f"{written(key)}{rest}"


def _first(problem: str) -> tuple[str, str]:
    """A sentence's first key and the rest: paths begin with a dot."""
    path = problem.removeprefix(".")
    end = min(found for mark in ".[: " if (found := path.find(mark)) >= 0)
    return path[:end], path[end:]


def _builder(builder: object) -> Iterator[str]:
    if references.kind_of(builder):
        yield ".buildername: must be a name as it stands, no reference: the task's scope names it. Write the name."
    elif isinstance(builder, str) and (problem := builder_problem(builder, ".buildername")):
        yield problem


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(payload_schema())


def _against_schema(payload: object) -> Iterator[str]:
    errors = sorted(_validator().iter_errors(payload), key=lambda error: [str(step) for step in error.absolute_path])
    for error in errors:
        yield from _sentences(error, _path(error.absolute_path))
    if not errors and isinstance(payload, dict):
        yield from inadmissible(payload)


def _path(steps: Any) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _sentences(error: Any, path: str) -> Iterator[str]:
    found, wanted = error.instance, error.validator_value
    match error.validator:
        case "type":
            is_now = type(found).__name__ if isinstance(found, (dict, list)) else reprlib.repr(found)
            yield f"{path}: must be {_TYPES[wanted]}, is {is_now}. Write {_TYPES[wanted]}."
        case "required":
            yield from (f"{path}.{name}: is missing. Add it." for name in wanted if name not in found)
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            yield from (f"{path}.{name}: {_unknown(name, known)}" for name in found if name not in known)
        case "maxLength":
            yield f"{path}: has {len(found)} characters; at most {wanted} are allowed. Shorten it."
        case "maxItems" | "minItems":
            bound = "at most" if error.validator == "maxItems" else "at least"
            yield f"{path}: has {len(found)} entries; {bound} {wanted} there must be. Mend their number."
        case "not" if "required" in wanted:
            yield ".sourcestamps: stands beside `sourcestamp`. Leave one of them out."
        case "not":
            yield f"{path}.{found}: this property is set by the bridge or by Buildbot. Use another name."
        case "pattern" | "minLength" if path == ".buildername":
            return  # told already, better
        case _:
            yield f"{path}: does not fit the payload's schema, which says {error.validator}: {wanted!r}. Mend it."


def _unknown(name: str, known: list[str]) -> str:
    if name == "env":
        return (
            "a bridged task has no environment (`fetches` would set one). Give builds what they need as properties, an "
            "artifact's address as an artifact-reference."
        )
    return f"is not known here; known are {', '.join(known)}. Correct the name, or drop it."
