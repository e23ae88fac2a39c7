"""All settings that there are, found by walking over the models."""

import typing
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bridge.settings import Settings


def section(annotation: object) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def table(annotation: object) -> type[BaseModel] | None:
    """The section that a table of named sections holds."""
    return section(typing.get_args(annotation)[1]) if typing.get_origin(annotation) is dict else None


def settings(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Each setting's path (`*` for a name that the operator chooses) and its field; sections themselves are left out."""
    for name, field in model.model_fields.items():
        inner = section(field.annotation)
        if inner := inner or table(field.annotation):
            yield from settings(inner, (*path, name) if section(field.annotation) else (*path, name, "*"))
        else:
            yield (*path, name), field


def models(model: type[BaseModel] = Settings) -> Iterator[type[BaseModel]]:
    """All sections, the root first."""
    yield model
    for field in model.model_fields.values():
        if inner := section(field.annotation) or table(field.annotation):
            yield from models(inner)
