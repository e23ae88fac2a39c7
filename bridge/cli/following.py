"""Follows a task group: asks how it fares, shows it, and ends when nothing happens any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bridge.cli import printed, showing
from bridge.cli.account import MEND, Account, opened, say
from bridge.cli.complaint import Complaint, Interrupted
from bridge.core import faults
from bridge.core.group import Member
from bridge.submission.progress import events, news, over, report, succeeded
from bridge.taskcluster.author import Author

_PATIENCE: Final = 900.0
"""Seconds of silence from Taskcluster after which following is given up."""


@dataclass(slots=True)
class Following:
    """One group that is followed; `interval` in seconds.

    `wanted`: the tasks that count, all of the group without it; `joined`: others than these are in the group too.
    """

    account: Account
    group: str
    interval: float
    json: bool
    wanted: Collection[str] = ()
    joined: bool = False
    told: set[tuple[str, str, int | None]] = field(default_factory=set)

    def carry_out(self) -> int:
        """Follow until nothing happens any more; the exit status. Raises the faults."""
        try:
            members = asyncio.run(self._follow())
        except KeyboardInterrupt:
            say(self._goes_on())
            return Interrupted.status
        except faults.NotAllowed as refused:
            raise Complaint(f"{refused}\n{MEND}\n{self._goes_on()}") from None
        except faults.Unavailable:
            say(self._goes_on())
            raise
        found = report(self.group, members, self.account.links)
        if self.json:
            printed.as_json(found)
        else:
            showing.end(found)
        return 0 if succeeded(members) else 1

    async def _follow(self) -> Sequence[Member]:
        links = self.account.links
        async with opened(self.account) as author:
            with showing.screen(links, json=self.json) as show:
                while True:
                    members = await self._look(author)
                    found = events(members, links, datetime.now(UTC))  # noqa: TID251  a clock on the wall, for people
                    show(members, list(news(found, self.told)))
                    if over(members, self.wanted):
                        return members
                    await asyncio.sleep(self.interval)

    async def _look(self, author: Author) -> list[Member]:
        """The tasks that count. Taskcluster may be away for a while."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                members = await author.members(self.group)
                return [each for each in members if not self.wanted or each.status.task_id in self.wanted]
            except faults.Unavailable as away:
                if time.monotonic() > until:
                    raise
                say(f"{away}; asking again")
                await asyncio.sleep(max(self.interval, away.retry_after or 0))

    def _goes_on(self) -> str:
        group = [f"taskcluster group cancel {self.group}"]
        cancel = [f"taskcluster task cancel {task_id}" for task_id in self.wanted] if self.joined else group
        lines = [
            "The tasks go on.",
            f"  to follow them again: bbb follow {self.group}",
            f"  to cancel them: {self.account.links.group(self.group)}, or",
            *(f"    {each}" for each in cancel),
        ]
        return "\n".join(lines)
