"""The scopes that creating tasks takes, and which of them a person lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bridge.core.admission import satisfies
from bridge.core.status import PRIORITIES
from bridge.submission.definitions import Definitions


@dataclass(frozen=True, slots=True)
class Need:
    """A scope, or any one of `instead`, and what it is for."""

    scope: str
    why: str
    instead: tuple[str, ...] = ()


def lacking(definitions: Definitions, held: Collection[str]) -> list[Need]:
    """The needs that the scopes, roles expanded, do not meet; each once."""
    needs = dict.fromkeys(_needs(definitions))
    return [need for need in needs if not any(satisfies(held, scope) for scope in (need.scope, *need.instead))]


def _needs(definitions: Definitions) -> Iterator[Need]:
    """What the queue asks for in createTask: all that the task hands on, and its priority or a higher one."""
    for definition in definitions.values():
        queue, priority = definition["taskQueueId"], definition["priority"]
        higher = PRIORITIES[PRIORITIES.index(priority) + 1 :]
        instead = tuple(f"queue:create-task:{each}:{queue}" for each in higher)
        yield Need(f"queue:create-task:{priority}:{queue}", f"to create tasks of priority {priority} in {queue}", instead)
        yield Need(f"queue:create-task:project:{definition['projectId']}", "to create tasks of that project")
        yield Need(f"queue:scheduler-id:{definition['schedulerId']}", "to use that scheduler id")
        for scope in definition["scopes"]:
            yield Need(scope, f"to have {definition['payload']['buildername']!r} built")


def in_words(needs: Collection[Need], client: str) -> str:
    """What a person reads who lacks scopes."""
    lines = [f"  {need.scope}  ({need.why}{_or(need)})" for need in needs]
    missing = "this scope" if len(needs) == 1 else f"these {len(needs)} scopes"
    return "\n".join(
        [
            f"the credentials of {client} lack {missing}, so nothing was created:",
            *lines,
            "Ask whoever grants scopes there for them, or sign in with credentials that have them.",
        ]
    )


def _or(need: Need) -> str:
    return ", or the same for a higher priority" if need.instead else ""
