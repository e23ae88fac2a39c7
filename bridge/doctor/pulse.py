"""Looks at Pulse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

from bridge import amqp_checkup
from bridge.doctor.finding import Finding, failure, ok, warning
from bridge.settings import Settings
from bridge.taskcluster.messages import EXCEPTION, PENDING

_MANY: Final = 2000
"""Messages; PulseGuardian warns above as many, and deletes the queue above four times as many."""


async def look(settings: Settings) -> AsyncIterator[Finding]:
    """The broker answers, has the exchanges, and lets us have the queue."""
    pulse = settings.pulse
    if not pulse.enabled:
        yield warning(
            "pulse",
            f"switched off: runs are found by sweeps alone, up to {settings.reflector.interval:.0f} s late",
            "Set pulse.url (or url_file) and pulse.enabled = true, unless that is meant.",
        )
        return
    where = urlsplit(pulse.address())
    address = f"{where.hostname}:{where.port or (5671 if where.scheme == 'amqps' else 5672)}"
    try:
        facts = await amqp_checkup.facts(pulse.address(), (PENDING, EXCEPTION), pulse.queue)
    except amqp_checkup.UnreachableError as error:
        yield failure("pulse", f"{address} cannot be reached: {error}", "Check host and port in pulse.url, and the network.")
        return
    except amqp_checkup.NotAcceptedError as error:
        remedy = "Correct user, password and vhost in pulse.url (a vhost / is written %2F)."
        yield failure("pulse", f"{address} refuses: {error}", remedy)
        return
    yield ok("pulse", f"{address} answers, user {where.username}")
    if where.scheme == "amqp" and not _is_local(where.hostname):
        yield warning("pulse: TLS", "the password goes over the network in the clear", "Use amqps:// and port 5671.")
    for finding in judged(facts, pulse.queue):
        yield finding


def _is_local(host: str | None) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def judged(facts: amqp_checkup.Facts, queue: str) -> list[Finding]:
    """What the broker's facts mean for a listener with this queue."""
    found = [
        failure(
            "pulse: exchanges",
            f"{exchange} does not exist",
            "Check that pulse.url is the broker of this Taskcluster, and its vhost.",
        )
        for exchange in facts.missing
    ]
    if not facts.missing:
        found.append(ok("pulse: exchanges", "both exchanges of the queue service exist"))
    if facts.refused is not None:
        remedy = f"Let the user configure, write and read {queue}, and read the exchanges; queues begin with queue/<user>/."
        found.append(failure("pulse: queue", facts.refused, remedy))
    elif facts.waiting is None:
        found.append(ok("pulse: queue", f"{queue} is allowed; the first listener makes it"))
    elif facts.waiting > _MANY:
        said = f"{facts.waiting} messages wait in {queue}, heard by {facts.consumers} consumers"
        found.append(
            warning("pulse: queue", said, "See that a taskcluster-listener runs: a queue grown too long is deleted.")
        )
    else:
        found.append(ok("pulse: queue", f"{queue}: {facts.waiting} messages, {facts.consumers} consumers"))
    return found
