"""The named queries of `sql/queries`, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> str:
    """The text of a query by the name of its file."""
    return files("sql").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def names() -> list[str]:
    """All names, sorted."""
    return sorted(entry.name.removesuffix(".sql") for entry in files("sql").joinpath("queries").iterdir())
