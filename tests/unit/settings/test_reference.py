"""README.md's table of settings is what the example file and the models say."""

import re

from tests.unit.settings import reference
from tests.unit.settings.walk import settings


def test_the_readme_has_the_table_as_it_is_made_now() -> None:
    readme = reference.README.read_text()
    assert reference.written(readme) == readme, "run: .venv/bin/python -m tests.unit.settings.reference"


def test_every_setting_is_in_it_with_words() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| [^|]+ \| (.*) \|$", reference.table(), re.MULTILINE)
    named = {name for cell, _ in rows for name in re.findall(r"`([a-z_-]+)`", cell)}
    assert {path[-1] for path, _ in settings() if path[-1] != "ports"} <= named
    assert [cell for cell, words in rows if not words] == []


def test_a_table_that_is_out_of_step_is_noticed() -> None:
    readme = reference.README.read_text()
    assert reference.written(readme.replace("| `pool_size` | `8` |", "| `pool_size` | `9` |")) == reference.written(readme)
    assert reference.written(readme.replace("| `pool_size` | `8` |", "| `pool_size` | `9` |")) != readme.replace(
        "`8`", "`9`"
    )
