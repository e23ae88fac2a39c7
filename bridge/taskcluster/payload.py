"""The payload of a bridged task: one schema, for the bridge and for the documentation."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from bridge.core.admission import RESERVED, shown
from bridge.core.order import Payload, Sourcestamp


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class SourcestampSchema(_Strict):
    """What to build, in Buildbot's terms; what is left out is empty. Lengths are those of Buildbot's database."""

    branch: str = Field(
        default="", max_length=256, description="A branch. Of a URL the path counts; refs/heads/ is dropped."
    )
    revision: str = Field(default="", max_length=256, description="A revision.")
    repository: str = Field(default="", max_length=512, description="The repository's address.")
    project: str = Field(default="", max_length=512, description="The project's name.")
    codebase: str = Field(default="", max_length=256, description="The codebase, for a builder that has several.")


class PayloadSchema(_Strict):
    """Payload of a task that a Buildbot bridge runs."""

    model_config = ConfigDict(
        title="Buildbot bridge task payload",
        # JSON schema has no other way to say what `_one_form` says.
        json_schema_extra={"not": {"required": ["sourcestamp", "sourcestamps"]}},
    )

    buildername: str = Field(
        min_length=1,
        max_length=256,
        description="Name of the Buildbot builder; printable ASCII, not ending in `*`.",
        json_schema_extra={"pattern": "^[ -~]*[ -)+-~]$"},  # checked, and explained better, by admission
    )
    sourcestamp: SourcestampSchema = Field(
        default_factory=SourcestampSchema, description="The one sourcestamp of the build."
    )
    sourcestamps: list[SourcestampSchema] = Field(
        default_factory=list,
        min_length=1,
        max_length=50,
        description="Several sourcestamps, each with a codebase of its own; not together with `sourcestamp`.",
    )
    properties: dict[str, Any] = Field(
        default_factory=dict,
        description="Properties of the build: any JSON, within the limits of the pool. Names that the bridge or Buildbot "
        "sets are refused.",
        json_schema_extra={"propertyNames": {"not": {"enum": [*sorted(RESERVED)]}}},  # checked by admission, likewise
    )

    @model_validator(mode="after")
    def _one_form(self) -> PayloadSchema:
        if {"sourcestamp", "sourcestamps"} <= self.model_fields_set:
            raise ValueError("sourcestamp or sourcestamps")
        return self


def payload_schema() -> dict[str, Any]:
    """The payload's JSON schema (draft 2020-12), made from what the bridge itself checks with.

    `bridge/definition/payload.v1.schema.json` is this, kept as a file for all who have no pydantic.
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PayloadSchema.model_json_schema()}


def read(payload: object) -> Payload | list[str]:
    """The payload as a value, or what is wrong with it, where, and how to mend it, a sentence for each. Never raises."""
    try:
        parsed = PayloadSchema.model_validate(payload)
    except ValidationError as error:
        return [_sentence(each) for each in error.errors(include_url=False)[:50]]
    # Buildbot needs at least one sourcestamp, so without any it is one empty one.
    stamps = parsed.sourcestamps or [parsed.sourcestamp]
    return Payload(parsed.buildername, parsed.properties, tuple(_value(stamp) for stamp in stamps))


def _value(stamp: SourcestampSchema) -> Sourcestamp:
    return Sourcestamp(
        codebase=stamp.codebase,
        repository=stamp.repository,
        project=stamp.project,
        branch=branch_of(stamp.branch),
        revision=stamp.revision or None,
    )


def branch_of(branch: str) -> str | None:
    """The one form of a branch that builders see, None if there is none.

    Of a URL it is the path; no slash stands before or behind it, and no `refs/heads/`: the branches
    `https://hg.example.org/projects/maple/`, `/projects/maple` and `projects/maple` are all `projects/maple`, and
    `refs/heads/main` is `main`. Other refs (`refs/tags/…`) stay as they are.
    """
    return _path(branch).strip("/").removeprefix("refs/heads/") or None


def _path(branch: str) -> str:
    if "://" not in branch:
        return branch
    try:
        return urlsplit(branch).path
    except ValueError:  # such as a broken IPv6 address: no URL then
        return branch


_MEND = {
    "missing": "is missing. Add it",
    "string_type": "must be a string",
    "string_unicode": "contains half of a surrogate pair, which no encoding can write. Remove it",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long; at most {max_length} characters are allowed",
    "too_short": "must not be empty",
    "too_long": "has too many entries; at most {max_length} are allowed",
    "value_error": "has both `sourcestamp` and `sourcestamps`. Keep one of them",
}
_KNOWN = {
    "payload": "buildername, sourcestamp, sourcestamps and properties",
    "sourcestamp": "branch, revision, repository, project and codebase",
}
_EXAMPLES = {
    "buildername": '"linux64-opt"',
    "sourcestamp": '{"branch": "main", "revision": "3f2a9c"}',
    "sourcestamps": '[{"codebase": "app", "branch": "main"}]',
    "properties": '{"product": "widget"}',
    "branch": '"main"',
    "revision": '"3f2a9c"',
    "repository": '"https://example.com/widget"',
    "project": '"widget"',
    "codebase": '"app"',
}
_WITH_VALUE = {"string_type", "dict_type", "model_type", "list_type"}


def _sentence(error: ErrorDetails) -> str:
    kind, where = error["type"], error["loc"]
    path = "payload" + "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in where)
    if kind == "extra_forbidden":
        known = _KNOWN["sourcestamp" if len(where) > 1 else "payload"]
        return f"`{path}` is not known. Remove it; the keys known here are {known}."
    said = _MEND[kind].format(**error.get("ctx", {})) if kind in _MEND else f"does not fit: {shown(error['msg'], 200)}"
    got = f", but it is {_kind(error['input'])}" if kind in _WITH_VALUE else ""
    example = _EXAMPLES.get(str(where[-1])) if where else None
    return f"`{path}` {said}{got}{f', for example {example}' if example else ''}."


def _kind(given: object) -> str:
    match given:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return f'the string "{shown(given, 40)}"'
        case bool() | None:
            return json.dumps(given)
        case _:
            return "a number"
