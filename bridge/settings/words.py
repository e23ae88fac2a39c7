"""Wrong settings in words: which one, what is wrong with it, and an example of a right one."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Place = tuple[int | str, ...]


def problems(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """A sentence or two for each wrong setting. No value of a secret is in them."""
    return [_sentence(each, root) for each in error.errors(include_url=False)]


def _sentence(error: ErrorDetails, root: type[BaseModel]) -> str:
    place = tuple(part for part in error["loc"] if part != "[key]")
    name = ".".join(str(part) for part in place)
    model, field = at(root, place)
    match error["type"]:
        case "missing":
            return f"{name} is missing.{_example(place, field)}"
        case "extra_forbidden":
            return f"{name} is not a setting.{_meant(place, model)}"
        case "value_error":
            message = error["msg"].removeprefix("Value error, ")
            if field is None or _section(field.annotation) is not None:  # a section speaks of one of its own settings
                return f"{name}{'.' if name else ''}{message}.{_example_within(message, root, place)}"
            return f"{name}{_given(error, field)}: {message}.{_example(place, field)}"
        case _:
            message = (error["msg"][:1].lower() + error["msg"][1:]).replace("valid tuple", "list")
            return f"{name}{_given(error, field)}: {message}.{_example(place, field)}"


def _given(error: ErrorDetails, field: FieldInfo | None) -> str:
    value = error.get("input")
    if field is None or is_secret(field) or isinstance(value, Mapping):
        return ""
    text = repr(value)
    if "@" in text:  # an address, perhaps with a password where none belongs
        return ""
    return f" = {text if len(text) <= 60 else text[:59] + '…'}"


def _example(place: Place, field: FieldInfo | None) -> str:
    if field is None or not field.examples:
        return ""
    return f" Example: {_toml(place, field.examples[0])}"


def _example_within(message: str, root: type[BaseModel], place: Place) -> str:
    """An example for the setting that a section's own complaint begins with."""
    inner = (*place, *message.split(":", maxsplit=1)[0].split("."))
    return _example(inner, at(root, inner)[1])


def _toml(place: Place, value: object) -> str:
    names = [part for part in place if isinstance(part, str)]
    table = f"[{'.'.join(names[:-1])}] " if names[:-1] else ""
    return f"{table}{names[-1]} = {json.dumps(value, ensure_ascii=False)}"


def _meant(place: Place, model: type[BaseModel] | None) -> str:
    known = list(model.model_fields) if model else []
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known here: {', '.join(known)}." if known else ""


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting holds a secret itself (its `_file` twin does not)."""
    return SecretStr in (field.annotation, *typing.get_args(field.annotation))


def at(root: type[BaseModel], place: Place) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The section that holds the last part of a place, and that part's field, as far as there are such."""
    model: type[BaseModel] | None = root
    field: FieldInfo | None = None
    parts: Iterator[int | str] = iter(place)
    for part in parts:
        holder, field = model, model.model_fields.get(str(part)) if model else None
        if field is None:
            return holder, None
        model = _section(field.annotation)
        if model is None:
            tables = _tables(field.annotation)
            if tables is not None and next(parts, None) is not None:
                holder, field, model = model, None, tables
    return (holder if place else root), field


def _section(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _tables(annotation: Any) -> type[BaseModel] | None:
    """The section that a table of named sections holds."""
    return _section(typing.get_args(annotation)[1]) if typing.get_origin(annotation) is dict else None
