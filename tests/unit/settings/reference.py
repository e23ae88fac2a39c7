"""The table of all settings in README.md: words from the example file, defaults from the models.

`python -m tests.unit.settings.reference` writes it anew; a test keeps the two in step.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from tests.unit.settings.walk import settings

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
EXAMPLE = ROOT / "docker" / "bridge.example.toml"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"

_HEADER = re.compile(r"\[(.+)\]$")
_SETTING = re.compile(r"(?:# )?([a-z_-]+) = .+$")
_CHOSEN = {"main": "<name>", "linux": "<name>", '"linux64-flaky"': "<builder>"}
_TWINS = {"access_token", "url", "dsn", "token"}
"""Given as themselves or as a file: one of the two must be there."""


def explained() -> Iterator[tuple[str, str, str]]:
    """Section, setting and words of everything in the example file, and each section's own words (setting empty).

    A setting with no words of its own shares those above it, as `token` and `token_file` do.
    """
    section, words, fresh = "", list[str](), True
    for line in EXAMPLE.read_text().splitlines():
        if header := _HEADER.match(line):
            section = ".".join(_CHOSEN.get(part, part) for part in header[1].split("."))
            yield section, "", " ".join(words)
            words, fresh = [], True
        elif setting := _SETTING.match(line):
            yield section, setting[1], "" if section == "web.ports" else " ".join(words)
            fresh = True
        elif line.startswith("# "):
            words, fresh = [*([] if fresh else words), line.removeprefix("# ")], False
        else:  # an empty line, or `#` alone: what follows has words of its own
            words, fresh = ([], True) if not line else (words, False)


def default(path: tuple[str, ...], field: FieldInfo) -> str:
    """The default as it is written in the file, or in a word why there is none."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is not None:
        return f"`{json.dumps(value, ensure_ascii=False)}`" if value or isinstance(value, bool) else "empty"
    twin = path[-1].removesuffix("_file")
    return "**one of the two**" if twin in _TWINS else "none"


def table() -> str:
    """The reference as Markdown, a table for each section."""
    fields = {_named(path): (path, field) for path, field in settings()}
    head = ["| setting | default | meaning |", "|---|---|---|"]
    lines, before = list(head), ""
    for section, name, words in explained():
        full = f"{section}.{name}".lstrip(".")
        if not name:
            lines += ["", f"**`[{section}]`** {_prose(words)}".rstrip(), "", *head]
        elif section.endswith("<builder>"):
            lines.append(f"| `{name}`, … | as the pool's | Any line of `[pools.<name>.results]`, for this builder alone. |")
        elif section == "web.ports":
            lines.append(f"| `{name}` | as `port` | |")
        elif before and full == f"{before}_file":
            lines[-1] = lines[-1].replace(
                f"| `{name.removesuffix('_file')}` |", f"| `{name.removesuffix('_file')}` or `{name}` |"
            )
        else:
            lines.append(f"| `{name}` | {default(*fields[full])} | {_prose(words)} |")
        before = full
    return "\n".join(_without_empty_tables(lines))


def _named(path: tuple[str, ...]) -> str:
    return ".".join("<name>" if part == "*" else part for part in path)


def _prose(words: str) -> str:
    words = words.removesuffix(" Required.")
    words = f"{words[:-1]}." if words.endswith(":") else words
    return words.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _without_empty_tables(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        rest = lines[number + (2 if line.startswith("| setting") else 1) :]
        empty = line.startswith(("| setting", "|---")) and not next((x for x in rest if x), "").startswith("| `")
        if not empty:
            yield line


def written(readme: str) -> str:
    """The README's text with the table as it should be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
