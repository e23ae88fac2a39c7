"""What a person wishes of all tasks of one submission, and what of it Taskcluster's queue would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bridge.core.admission import shown
from bridge.core.status import PRIORITIES
from bridge.definition import SCOPE_PREFIX, DefinitionError

DEADLINE: Final = timedelta(days=1)
EXPIRES: Final = timedelta(days=90)
_LATEST: Final = timedelta(days=5)  # the queue's own bound of a deadline
_MOST_RETRIES: Final = 49


@dataclass(frozen=True, slots=True)
class Wish:
    """What the tasks have in common. Spans count from the making of the definitions; `sourcestamp` holds what was given.

    `name` and `description` are the builder's where they are empty.
    """

    task_queue: str
    owner: str
    source: str
    name: str = ""
    description: str = ""
    properties: Mapping[str, object] = field(default_factory=dict)
    sourcestamp: Mapping[str, str] = field(default_factory=dict)
    priority: str = "lowest"
    scheduler_id: str = "-"
    project_id: str = "none"
    scope_prefix: str = SCOPE_PREFIX
    deadline: timedelta = DEADLINE
    expires: timedelta = EXPIRES
    retries: int = 5


def sound(wish: Wish) -> Wish:
    """The wish itself; raises `DefinitionError`, a line for each thing that the queue would refuse."""
    if problems := [*_names(wish), *_metadata(wish), *_bounds(wish)]:
        raise DefinitionError("\n".join(problems))
    return wish


# Taskcluster's rules, from the schema of its createTask.
_QUEUE: Final = r"[a-zA-Z0-9_-]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?"
_SCHEDULER: Final = r"[a-zA-Z0-9_-]{1,38}"
_PROJECT: Final = r"[a-zA-Z0-9._/-]{1,500}"
_SOURCE: Final = r"(https?://|ssh://|git@).*"


def _names(wish: Wish) -> Iterator[str]:
    rules = (
        ("--task-queue", wish.task_queue, _QUEUE, "provisionerId/workerType, such as proj-example/linux"),
        ("--scheduler-id", wish.scheduler_id, _SCHEDULER, "1 to 38 letters, digits, hyphens or underscores"),
        ("--project-id", wish.project_id, _PROJECT, "letters, digits and . _ / -"),
    )
    for option, given, pattern, words in rules:
        if not re.fullmatch(pattern, given):
            yield f"{option}: {shown(given)!r} is not allowed by Taskcluster. Write {words}."
    if wish.priority not in PRIORITIES:
        yield f"--priority: {shown(wish.priority)!r} is not one. There are: {', '.join(PRIORITIES)}."
    if not (wish.scope_prefix.isascii() and wish.scope_prefix.isprintable() and wish.scope_prefix):
        yield f"--scope-prefix: {shown(wish.scope_prefix)!r} cannot begin a scope. Use printable ASCII."


def _metadata(wish: Wish) -> Iterator[str]:
    for option, given, most in (
        ("--name", wish.name, 255),
        ("--owner", wish.owner, 255),
        ("--description", wish.description, 32768),
        ("--source", wish.source, 4096),
    ):
        if len(given) > most:
            yield f"{option}: has {len(given)} characters; Taskcluster allows {most}. Shorten it."
    if not re.fullmatch(_SOURCE, wish.source):
        yield f"--source: {shown(wish.source)!r} is no address. Begin it with https://, http://, ssh:// or git@."


def _bounds(wish: Wish) -> Iterator[str]:
    if wish.deadline > _LATEST:
        yield "--deadline: is later than the 5 days that Taskcluster allows. Write 5d or less."
    if wish.expires < wish.deadline:
        yield "--expires: is before the deadline. A task lives at least until its deadline: give a longer span."
    if not 0 <= wish.retries <= _MOST_RETRIES:
        yield f"--retries: {wish.retries} is not allowed by Taskcluster. Write 0 to {_MOST_RETRIES}."
