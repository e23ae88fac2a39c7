"""What a listener on Pulse is told, hears and tells; the listening itself is in `bridge.amqp`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came."""

    exchange: str
    routing_key: str
    body: bytes
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """A topic exchange of somebody else, and a pattern of routing keys."""

    exchange: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Options:
    """Where to listen and how. Times in seconds.

    `url` is asked at each connection, so that an exchanged password works without a restart; `amqps://` means TLS.
    `queue` has the form `queue/<user>/<name>` where PulseGuardian rules; `arguments` are those of its declaration, and
    cannot be changed while it exists. `prefetch` bounds what is held unacknowledged: PulseGuardian deletes a queue at
    8000, so it stays far below. `patience`: how long a batch that cannot be stored is held before it goes back into the
    queue; brokers close the channel of a consumer that holds one for 30 minutes.
    """

    url: Callable[[], str] = field(repr=False)
    queue: str
    bindings: tuple[Binding, ...]
    arguments: Mapping[str, int | str | bool] = field(default_factory=dict)
    prefetch: int = 300
    batch: int = 100
    window: float = 0.02
    heartbeat: int = 20
    timeout: float = 20.0
    probe: float = 30.0
    patience: float = 300.0
    slowest: float = 30.0


OnBatch = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Stores what the deliveries say; raises `faults.Unavailable` when that is not possible now. May see repeats."""
OnPoison = Callable[[Delivery, Exception], Awaitable[None]]
"""Puts aside a delivery that alone makes `OnBatch` raise something else; raises `faults.Unavailable` likewise."""
OnGap = Callable[[str], Awaitable[None]]
"""Hears that messages may have been lost, and why; called after each connection, the first included."""
Told = Callable[[str, int], None]
"""Hears of numbers, for metrics: connected, lost, received, acknowledged, held, poison, probed."""
