"""The Taskcluster listener: hears Pulse, and has build requests made or cancelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.amqp import Consumer
from bridge.assembly import House
from bridge.core.run import RunKey
from bridge.keeping import kept
from bridge.metrics import Metrics
from bridge.pulse import Binding, Delivery, Options
from bridge.service import Frame, Heartbeat, Loops
from bridge.settings import Settings
from bridge.store.people import People
from bridge.taskcluster import messages


async def run(frame: Frame, settings: Settings) -> None:
    """Listen until cancelled."""
    async with kept(frame, settings, foreign=False) as (house, loops):
        if settings.pulse.enabled and not frame.dry:  # its messages are the real listener's
            _listen(frame, settings, Listener(house, frame.metrics), loops)


def _listen(frame: Frame, settings: Settings, listener: Listener, loops: Loops) -> None:
    consumer = Consumer(
        options(settings),
        on_batch=listener.hear,
        on_poison=listener.bury,
        on_gap=listener.catch_up,
        told=listener.told,
    )

    async def connected() -> None:
        frame.metrics.pulse_connected(consumer.connected)
        if not consumer.connected:
            raise ConnectionError(consumer.why)

    async def work(_heart: Heartbeat) -> None:
        await consumer.run()

    frame.depends("pulse", connected)
    loops.start("pulse", work, silence=None)


def options(settings: Settings) -> Options:
    """Where to listen, for every pool's task queue: to pending runs and to exceptions."""
    queues = [pool.task_queue for pool in settings.pools.values()]
    patterns = messages.binding_keys(queues).values()
    pulse = settings.pulse
    return Options(
        url=pulse.address,
        queue=pulse.queue,
        bindings=tuple(Binding(exchange, p) for exchange in (messages.PENDING, messages.EXCEPTION) for p in patterns),
        prefetch=pulse.prefetch,
        probe=pulse.probe_interval,
    )


@dataclass(frozen=True, slots=True)
class Listener:
    """Stores what messages tell, and wakes the crew. A message decides nothing: it makes the engine look."""

    house: House
    metrics: Metrics

    async def hear(self, batch: Sequence[Delivery]) -> None:
        """Store a batch of messages: a row for each pending run, a look for each exception."""
        pending = defaultdict[str, list[RunKey]](list)
        ended: list[RunKey] = []
        for delivery in batch:
            match messages.hear(delivery.exchange, delivery.body):
                case messages.Heard(exchange=messages.PENDING, key=key, task_queue_id=queue, at=at):
                    pending[queue].append(key)
                    self._late("task-pending", at)
                case messages.Heard(key=key, at=at):
                    ended.append(key)
                    self._late("task-exception", at)
                case messages.Unreadable(reason=reason):
                    await self._unreadable(delivery, reason)
        await self._wanted(pending)
        await self._ended(ended)

    def _late(self, kind: str, at: datetime | None) -> None:
        if at is not None:
            self.metrics.late(kind, (self.house.clock.now() - at).total_seconds())

    async def _ended(self, keys: list[RunKey]) -> None:
        moved = await self.house.sweeps.hinted(dict.fromkeys(keys))
        for _ in keys:
            self.metrics.heard("task-exception", "stored")
        await self.house.crew.wake(moved)

    async def _wanted(self, pending: dict[str, list[RunKey]]) -> None:
        pools = {pool.task_queue_id: pool for pool in self.house.engine.pools.values()}
        for queue, keys in pending.items():
            if queue not in pools:
                self.metrics.heard("task-pending", "not ours")
                continue
            new = await self.house.sweeps.wanted(list(dict.fromkeys(keys)), pools[queue])
            for _ in keys:
                self.metrics.heard("task-pending", "stored")
            await self.house.crew.wake(new)

    async def _unreadable(self, delivery: Delivery, reason: str) -> None:
        bound = delivery.exchange in (messages.PENDING, messages.EXCEPTION)
        self.metrics.dead_letter(delivery.exchange if bound else "other")
        await People(self.house.database).bury(delivery.exchange, delivery.routing_key, reason, delivery.body)

    async def bury(self, delivery: Delivery, defect: Exception) -> None:
        """Put a message aside that breaks its handler."""
        await self._unreadable(delivery, f"{type(defect).__name__}: {defect}")

    async def catch_up(self, _why: str) -> None:
        """Messages may have been lost: read what they may have told."""
        self.metrics.gap()
        for pool in self.house.engine.pools.values():
            await self.house.crew.wake(await self.house.sweeps.pending(pool))
        await self.house.crew.wake(await self.house.sweeps.statuses())

    def told(self, what: str, count: int) -> None:
        """Keep the metrics of the connection right."""
        if what == "ready":
            self.metrics.pulse_ready(count)
        if what in ("connected", "lost"):
            self.metrics.pulse_connected(what == "connected")
