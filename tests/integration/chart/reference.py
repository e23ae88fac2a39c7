"""The table of all values in the chart's README, in the form that helm-docs gives it.

`python -m tests.integration.chart.reference` writes it anew; a test keeps the two in step.
"""

import json
from collections.abc import Iterator

from tests.integration.chart.values import CHART, Value, values

README = CHART / "README.md"
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"


def table() -> str:
    """The reference as Markdown."""
    return "\n".join(["| Key | Type | Default | Description |", "|-----|------|---------|-------------|", *_lines(values())])


def _lines(known: list[Value]) -> Iterator[str]:
    for each in known:
        inner = [other for other in known if len(other.path) > len(each.path) and other.path[: len(each.path)] == each.path]
        explained = any(other.words for other in inner)
        if each.words:
            default = "see below" if explained else f"`{json.dumps(each.default, ensure_ascii=False)}`"
            yield f"| {_key(each)} | {_kind(each.default)} | {default} | {each.words.replace('|', chr(92) + '|')} |"


def _key(value: Value) -> str:
    return ".".join(f'"{part}"' if "." in part else part for part in value.path)


def _kind(default: object) -> str:
    kinds = {bool: "bool", int: "int", str: "string", list: "list", dict: "object"}
    return kinds[type(default)]


def written(readme: str) -> str:
    """The README's text with the table as it should be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
