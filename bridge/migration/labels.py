"""Names of tasks for builders, no two alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count

from bridge.definition import task_name


def task_names(builders: Iterable[str], taken: Collection[str] = ()) -> Mapping[str, str]:
    """A name for each builder, none twice, and none that is taken; where two would have one name they get numbers."""
    used, names = set(taken), dict[str, str]()
    for builder in builders:
        names[builder] = next(name for name in _candidates(task_name(builder) or "builder") if name not in used)
        used.add(names[builder])
    return names


def _candidates(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))
