"""The API's document, OpenAPI 3.1, made of the table of operations and of the models that check and shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bridge.status import answers, asked
from bridge.web.acts import ACTS, PLACE, Act
from bridge.web.operations import BASE, DOCUMENT, EVENTS, OPERATIONS, Operation
from bridge.web.refusal import Error

_REF: Final = "#/components/schemas/{model}"
_TAG: Final = {
    "name": "ETag",
    "in": "header",
    "description": "Changes when the answer does; send it back as If-None-Match.",
    "schema": {"type": "string"},
}
Json = dict[str, Any]


def document(release: str) -> Json:
    """The document of this version."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Buildbot Bridge: status",
            "version": release,
            "summary": "What runs do, who serves, what is stuck; and acts of operators.",
            "license": {"name": "MPL-2.0", "identifier": "MPL-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}, {}],
        "paths": dict(_paths()),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "status.read_token. Without one in the settings, on the loopback, none is asked for.",
                },
                "write": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "status.write_token. Without one in the settings nobody steers over the API.",
                },
            },
        },
    }


def _schemas() -> Json:
    models: list[type[BaseModel]] = [*(each.answer for each in OPERATIONS), answers.Event, answers.Steered, Error]
    _, found = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    sent: list[type[BaseModel]] = list({act.body for act in ACTS})
    _, taken = models_json_schema([(model, "validation") for model in sent], ref_template=_REF)
    return {**found["$defs"], **{_body(act): taken["$defs"][act.body.__name__] for act in ACTS}}


def _body(act: Act) -> str:
    """The name of what is sent, apart from names of answers."""
    return f"Act{act.body.__name__}"


def _paths() -> Iterator[tuple[str, Json]]:
    for each in OPERATIONS:
        yield f"/{each.path}", {"get": _operation(each)}
    for act in ACTS:
        yield f"/{PLACE}/{act.verb}", {"post": _act(act)}
    yield f"/{EVENTS}", {"get": _events()}
    yield f"/{DOCUMENT}", {"get": _itself()}


def _operation(each: Operation) -> Json:
    found = _responses(_ref(each.answer.__name__), "application/json")
    if each.in_path is not asked.Nothing or issubclass(each.in_query, asked.Paged):
        found["404"] = _error("Nothing is known under this name, or there is no such page")
    return {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": [*parameters(each.in_path, "path"), *parameters(each.in_query, "query"), _if_none_match()],
        "responses": found,
    }


def _responses(schema: Json, kind: str) -> Json:
    return {
        "200": {
            "description": "The answer",
            "headers": {"ETag": {name: _TAG[name] for name in ("description", "schema")}},
            "content": {kind: {"schema": schema}},
        },
        "304": {"description": "Nothing has changed since the answer with this ETag"},
        **_refusals(),
    }


def _refusals() -> Json:
    return {
        "400": _error("A parameter is not known, or not of its form"),
        "401": _error("A token is needed"),
        "403": _error("The API is not to be asked under this name"),
        "503": _error("The database is away, or too many watch already"),
    }


def _act_refusals() -> Json:
    return {
        "400": _error("What was sent is not of its form"),
        "401": _error("The write token is needed, in the header Authorization"),
        "403": _error("The API only reads, the token is a reader's, or Taskcluster does not let the bridge do it"),
        "404": _error("Nothing is known under this name"),
        "409": _error("Somebody else acted since, or it cannot be done as things are"),
        "503": _error("The database, or the side that is needed, is away"),
    }


def _error(words: str) -> Json:
    return {"description": words, "content": {"application/json": {"schema": _ref(Error.__name__)}}}


def _act(act: Act) -> Json:
    said = {"application/json": {"schema": _ref(answers.Steered.__name__)}}
    return {
        "operationId": act.name,
        "summary": act.summary,
        "description": "Done only with `seen`, from the answer to the same without it. Who, why and outcome are kept.",
        "security": [{"write": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(_body(act))}}},
        "responses": {"200": {"description": "What it came to, or would come to", "content": said}, **_act_refusals()},
    }


def _events() -> Json:
    last = {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"}}
    words = "Server-sent events: `transition`, whose data are an Event in JSON, and `reset`: read all anew."
    stream = {"description": words, "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    return {
        "operationId": "watchChanges",
        "summary": "Changes of phase as they happen",
        "parameters": [*parameters(asked.Events, "query"), last],
        "responses": {"200": stream, **_refusals()},
    }


def _itself() -> Json:
    return {
        "operationId": "showDocument",
        "summary": "This document",
        "parameters": [_if_none_match()],
        "responses": _responses({"type": "object"}, "application/json"),
    }


def _if_none_match() -> Json:
    return {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}


def _ref(name: str) -> Json:
    return {"$ref": _REF.format(model=name)}


def parameters(model: type[asked.Asked], place: str) -> list[Json]:
    """The parameters that a model reads, in the words of the document."""
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path" or name in required,
            "description": field.get("description", ""),
            "schema": _without_null(field),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _without_null(field: Mapping[str, Any]) -> Json:
    """A parameter's schema: one that is left out is left out, there is no null in an address."""
    kept = {name: value for name, value in field.items() if name not in ("title", "description", "default", "anyOf")}
    if field.get("default") not in (None, [], ()):
        kept["default"] = field["default"]
    return {**kept, **_only(field.get("anyOf", ()))}


def _only(choices: Iterable[Mapping[str, Any]]) -> Json:
    return dict(next((each for each in choices if each.get("type") != "null"), {}))
