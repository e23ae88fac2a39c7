"""The service that lives in the master from its start to its stop: it holds what must outlast a single call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import buildbot
from buildbot import config
from buildbot.util.service import BuildbotService
from twisted.internet import defer

from bridge.master import links, policy, shutdown
from bridge.master.journal import KEYS, Journal
from bridge.master.spool import Spool
from bridge.master.states import Requests
from bridge.master.submit import Desk
from bridge.master.sweeping import Sweeper

DEFAULT_MAX_PENDING = 200
"""A master's time for choosing the next build, and for cancelling, grows with its pending requests."""
DEFAULT_SPOOL = "taskcluster-spool"
DEFAULT_SPOOL_DAYS = 3
DEFAULT_SPOOL_BYTES = 20 << 30
_CANCELLED = 6


class TaskclusterBridge(BuildbotService):
    """Lets the Buildbot Bridge submit, watch and cancel build requests.

    `token`: the bearer token of the bridge, best as `util.Secret('…')`; a list of them while they are exchanged.
    `builders`: names or patterns (`*`, `?`, `[seq]`) of the builders that are open to the bridge.
    `max_pending`: how many pending requests a builder may have before submissions are put off; one number for all,
    or a mapping from builder to number, with `*` for the others.
    `spool`: the directory in which files that builds give away wait for the bridge, relative to the master's own; with
    several masters it may be a shared one. `spool_days`: after how many days it forgets what nobody came for.
    `spool_bytes`: how much may wait there; a step that would need more ends without giving anything.
    """

    name = "TaskclusterBridge"
    secrets: ClassVar[Sequence[str]] = ["token"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.journal = Journal()
        self.orders = shutdown.Orders()
        self.requests = Requests()
        self.desk = Desk(self.requests)
        self.tokens = policy.Tokens(())
        self.builder_patterns: tuple[str, ...] = ()
        self.is_open: re.Pattern[str] = policy.matcher(())
        self._max_pending: int | Mapping[str, int] = DEFAULT_MAX_PENDING
        self.spool = Spool(Path(DEFAULT_SPOOL), DEFAULT_SPOOL_BYTES)
        self._sweeper: Sweeper | None = None
        self._consumers: list[Any] = []

    def checkConfig(  # noqa: N802, PLR0913 - the host's name; the settings
        self,
        token: Any = None,
        builders: Sequence[str] = ("*",),
        max_pending: int | Mapping[str, int] = DEFAULT_MAX_PENDING,
        *,
        spool: str = DEFAULT_SPOOL,
        spool_days: float = DEFAULT_SPOOL_DAYS,
        spool_bytes: int = DEFAULT_SPOOL_BYTES,
    ) -> None:
        """Refuse a configuration under which the plugin could not do what it promises."""
        problem = policy.release_problem(buildbot.version)
        if problem is not None:
            config.error(f"TaskclusterBridge: {problem}")
        tokens = _as_list(token)
        # A `util.Secret` can be read only when the service starts; then the check is made again.
        readable = [each for each in tokens if isinstance(each, str)]
        problem = policy.token_problem(readable) if readable or not tokens else None
        if problem is not None:
            config.error(f"TaskclusterBridge: {problem}")
        if not _is_names(builders):
            config.error("TaskclusterBridge: builders must be a list of names or patterns")
        if not _is_limit(max_pending):
            config.error("TaskclusterBridge: max_pending must be a number above 0, or a mapping from builder to number")
        problem = policy.spool_problem(spool, spool_days, spool_bytes)
        if problem is not None:
            config.error(f"TaskclusterBridge: {problem}")

    async def _renew(self, token: Any, builders: Sequence[str], max_pending: int | Mapping[str, int]) -> None:
        tokens = _as_list(token)
        problem = policy.token_problem(tokens)
        if problem is not None:
            raise config.ConfigErrors([f"TaskclusterBridge: {problem}"])
        self.tokens = policy.Tokens(tuple(each.strip() for each in tokens))
        self.builder_patterns = tuple(builders)
        self.is_open = policy.matcher(builders)
        self._max_pending = max_pending
        await self._consume()

    def reconfigService(  # noqa: N802, PLR0913 - the host's name; the settings
        self,
        token: Any = None,
        builders: Sequence[str] = ("*",),
        max_pending: int | Mapping[str, int] = DEFAULT_MAX_PENDING,
        *,
        spool: str = DEFAULT_SPOOL,
        spool_days: float = DEFAULT_SPOOL_DAYS,
        spool_bytes: int = DEFAULT_SPOOL_BYTES,
    ) -> defer.Deferred[None]:
        """Take a new configuration over; the journal and its epoch stay, as no change was missed."""
        self._leave_spool()
        directory = Path(self.master.basedir, spool)
        if (self.spool.directory, self.spool.limit) != (directory, spool_bytes):
            self.spool = Spool(directory, spool_bytes)
        self._sweeper = Sweeper(self.master, self.spool, spool_days)
        self._sweeper.start()
        return defer.Deferred.fromCoroutine(self._renew(token, builders, max_pending))

    def _leave_spool(self) -> None:
        if self._sweeper is not None:
            self._sweeper.stop()
        self._sweeper = None

    def reconfigServiceWithSibling(self, sibling: Any) -> Any:  # noqa: N802 - the host's name
        """Read the secrets anew on each reconfig: the configuration may read the same and the token have changed."""
        self.configured = False
        return super().reconfigServiceWithSibling(sibling)

    def stopService(self) -> Any:  # noqa: N802 - the host's name
        """Answer those who wait before the web server goes."""
        self._leave_spool()
        self.journal.close()
        return defer.Deferred.fromCoroutine(self._stop(super().stopService))

    async def _stop(self, stop: Any) -> None:
        await self._leave()
        await stop()

    async def _consume(self) -> None:
        await self._leave()
        for key in KEYS:
            self._consumers.append(await self.master.mq.startConsuming(self._note, key))
        self._consumers.append(await self.master.mq.startConsuming(self._note_order, shutdown.STOP_KEY))
        self._consumers.append(await self.master.mq.startConsuming(self._note_step, links.STEP_KEY))

    async def _leave(self) -> None:
        consumers, self._consumers = self._consumers, []
        for consumer in consumers:
            await defer.maybeDeferred(consumer.stopConsuming)

    def _note_order(self, key: Sequence[str], _message: Any) -> None:
        self.orders.note(self.master, key)

    def _note_step(self, _key: Sequence[str], message: Any) -> defer.Deferred[None] | None:
        return links.note(self.master, message)

    def _note(self, key: Sequence[str], message: Any) -> defer.Deferred[None] | None:
        self.journal.note(self.master, key, message)
        stopped = self.master.botmaster.shuttingDown and key[0] == "builds" and message["results"] == _CANCELLED
        if not stopped:
            return None
        # The master's queue waits for this on its way down, and the database stops after the queue.
        build_id = message["buildid"]
        reason, ordered = self._stopped_reason(build_id), self.orders.stopped(build_id)
        return defer.Deferred.fromCoroutine(shutdown.mark(self.master, build_id, ordered, reason))

    def _stopped_reason(self, build_id: int) -> str | None:
        running = (build for builder in self.master.botmaster.builders.values() for build in builder.building)
        return next((build.stopped_reason for build in running if build.buildid == build_id), None)

    def max_pending(self, builder: str) -> int:
        return policy.limit_for(builder, self._max_pending, DEFAULT_MAX_PENDING)


def running(master: Any) -> TaskclusterBridge | None:
    """Find the service that runs in a master."""
    services = list(master.service_manager) if master is not None else []
    return next((each for each in services if isinstance(each, TaskclusterBridge) and each.running), None)


def _as_list(token: Any) -> list[Any]:
    if token is None:
        return []
    return list(token) if isinstance(token, list | tuple) else [token]


def _is_names(builders: Any) -> bool:
    return isinstance(builders, list | tuple) and all(isinstance(each, str) and each for each in builders)


def _is_limit(max_pending: Any) -> bool:
    numbers = list(max_pending.values()) if isinstance(max_pending, Mapping) else [max_pending]
    return all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in numbers)
