"""Creates tasks one after the other, and says how far it came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.cli.account import MEND, Account, opened
from bridge.cli.complaint import Complaint, Interrupted
from bridge.core import admission, faults
from bridge.definition import DefinitionError
from bridge.definition.payload import NO_LIMITS
from bridge.submission.definitions import Definitions
from bridge.submission.needs import in_words, lacking
from bridge.taskcluster import payload
from bridge.taskcluster.author import Author

# Of a 409 too: ids are new, and an equal call repeated is answered like the first, so it is the group that wants no more.
_REFUSALS: Final = (faults.NotAllowed, faults.Unfit, faults.Conflicting, faults.Missing)


def checked(definitions: Definitions) -> Definitions:
    """The definitions themselves; raises `DefinitionError` for those that no bridge would build, whatever its limits."""
    found = {definition["payload"]["buildername"]: _problems(definition["payload"]) for definition in definitions.values()}
    told = dict.fromkeys(problem for problems in found.values() for problem in problems)  # the same for many, mostly
    if told:
        raise DefinitionError("\n".join(told))
    return definitions


def _problems(given: Mapping[str, Any]) -> list[str]:
    read = payload.read(given)
    return read if isinstance(read, list) else admission.payload_problems(read, NO_LIMITS)


@dataclass(slots=True)
class Submission:
    """The creation of tasks, those first on which others depend. It stops at the first that cannot be created."""

    account: Account
    group: str
    definitions: Definitions
    created: list[str] = field(default_factory=list)
    asked: str | None = None

    def carry_out(self) -> None:
        """Create the tasks. Raises `Complaint`, which says what was created; nothing is cancelled by itself."""
        try:
            asyncio.run(self._create())
        except _REFUSALS as refused:
            self.asked = None
            mend = f"{MEND}\n" if isinstance(refused, faults.NotAllowed) else ""
            raise Complaint(f"{refused}\n{mend}{self._so_far()}") from None
        except faults.Fault as fault:
            raise Complaint(f"{fault}\n{self._so_far()}") from None
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted\n{self._so_far()}") from None

    async def _create(self) -> None:
        async with opened(self.account) as author:
            await self._allowed(author)
            for task_id, definition in self.definitions.items():
                self.asked = task_id
                await author.create(task_id, definition)
                self.created.append(task_id)
                self.asked = None

    async def _allowed(self, author: Author) -> None:
        """Look before the first task is made. Where the scopes cannot be asked for, createTask will say what lacks."""
        held = await author.scopes()
        if held is not None and (needs := lacking(self.definitions, held)):
            raise Complaint(in_words(needs, self.account.name))

    def _so_far(self) -> str:
        links = self.account.links
        lines = [f"created: {self._named(task_id)}  {links.task(task_id)}" for task_id in self.created]
        if self.asked is not None:
            lines.append(f"perhaps created: {self._named(self.asked)}  {links.task(self.asked)}")
        lines += [
            f"not created: {self._named(each)}" for each in self.definitions if each not in (*self.created, self.asked)
        ]
        if self.created:
            lines.append(f"What was created goes on; nothing was cancelled. The task group: {links.group(self.group)}")
        return "\n".join(lines)

    def _named(self, task_id: str) -> str:
        return f"{task_id} {self.definitions[task_id]['payload']['buildername']}"
