"""What stands for a builder in a task's label."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count


def task_name(builder: str) -> str:
    """The builder's name with each run of other characters than letters, digits, `_` and `.` as one hyphen."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", builder).strip("-") or "builder"


def task_names(builders: Iterable[str], taken: Collection[str] = ()) -> Mapping[str, str]:
    """A name for each builder, none twice, and none that is taken; where two would have one name they get numbers."""
    used, names = set(taken), dict[str, str]()
    for builder in builders:
        names[builder] = next(name for name in _candidates(task_name(builder)) if name not in used)
        used.add(names[builder])
    return names


def _candidates(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))
