"""What the documents have in common: how they are written, and parts that both have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from bridge.core.verdict import Results

Redact = Callable[[str], str]
"""Masks in whole lines of text what must not be published. Gives as many lines, each judged by itself."""
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    AwareDatetime,
    PlainSerializer(_written, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time, written by RFC 3339 in UTC with milliseconds."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Part(BaseModel):
    """A part of a document. Each field has a description; names are in camel case on the outside."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )


class Document(Part):
    """A document with a schema of its own."""

    def written(self) -> bytes:
        """The document as JSON for people and programs, in ASCII, the same for the same facts."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, indent=2) + "\n").encode()

    @classmethod
    def schema_of(cls, name: str) -> dict[str, Any]:
        """The JSON Schema of the documents, by its name in `$id`."""
        schema = cls.model_json_schema(by_alias=True, mode="serialization")
        return {"$schema": DIALECT, "$id": f"urn:buildbot-bridge:{name}", **_tidy(schema), "title": schema["title"]}

    @classmethod
    def read(cls, document: bytes) -> Self:
        """The document as a value. Raises pydantic's ValidationError, a ValueError."""
        return cls.model_validate_json(document)


def _tidy(schema: Any) -> Any:
    """Without titles, which say the names again, and with each description on one line."""
    match schema:
        case {"description": str(text), **rest}:
            return {"description": " ".join(text.split()), **_tidy(rest)}
        case dict():
            return {name: _tidy(part) for name, part in schema.items() if name != "title" or isinstance(part, dict)}
        case list():
            return [_tidy(part) for part in schema]
        case _:
            return schema


def redacted(texts: Iterable[str], redact: Redact) -> Callable[[str], str]:
    """Texts of Buildbot's without what may not be published, by what they were; what UTF-8 cannot hold is replaced.

    All go through `redact` at once, for a build may have thousands of them.
    """
    wanted = list(dict.fromkeys(texts))
    lines = iter(redact("".join(f"{text}\n" for text in wanted)).split("\n"))
    shown = ["\n".join(islice(lines, text.count("\n") + 1)) for text in wanted]
    fit = {text: new.encode("utf-8", "replace").decode() for text, new in zip(wanted, shown, strict=True)}
    return fit.__getitem__


class Bridge(Part):
    """The bridge that wrote the document."""

    version: str
    """Its version."""


class Task(Part):
    """The run of a Taskcluster task that the build was for."""

    task_id: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{22}$")]
    """The task's id."""
    run_id: Annotated[int, Field(ge=0)]
    """The run's number, from 0."""


class Result(Part):
    """A result as Buildbot has it."""

    code: int
    """Buildbot's result code, 0 to 6."""
    name: str
    """Buildbot's name of it: SUCCESS, WARNINGS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED, or UNKNOWN."""

    @classmethod
    def of(cls, results: int | None) -> Self | None:
        """The result of that code; None for what is not over."""
        if results is None:
            return None
        return cls(code=results, name=Results(results).name if results in list(Results) else "UNKNOWN")


class Build(Part):
    """The Buildbot build, and the request that it was made for."""

    builder: str
    """The builder's name."""
    worker: str
    """The name of the Buildbot worker that ran it."""
    number: int
    """The build's number, as its page has it: counted for each builder."""
    id: int
    """The build's id, unique in its Buildbot."""
    request_id: int
    """The build request's id."""
    url: str | None
    """The build's page; null while it is not known."""
    submitted: Moment
    """When the build was requested."""
    started: Moment
    """When it started."""
    complete: Moment | None
    """When it ended; null if it had not ended when this was written."""
    result: Result | None
    """How it ended; null if it had not."""


def schema_file(name: str) -> dict[str, Any]:
    """A schema as it is published: `build.v1` or `provenance.v1`."""
    content: dict[str, Any] = json.loads(files(__package__).joinpath(f"{name}.schema.json").read_text("utf-8"))
    return content
