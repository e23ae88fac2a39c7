"""What is measured, under names that do not change: `/metrics` in Prometheus' text format.

| name (all begin with `buildbot_bridge_`) | says |
|---|---|
| `heard_total{kind,outcome}` | hints that came in: Pulse messages by exchange, changes of Buildbot |
| `hint_lag_seconds{kind}` | from what happened on a side until its hint came in |
| `transitions_total{from_phase,to_phase}` | changes of phase |
| `outcomes_total{pool,resolution}` | how runs ended |
| `calls_total{side,api,outcome}`, `call_seconds{side,api}` | calls to Taskcluster and Buildbot; `ok` or the kind of fault |
| `found_by_sweep_total{kind}` | what a sweep found and no message had told of |
| `faults_total{command,fault}`, `defects_total{command}` | what could not be done; exceptions that nobody expected |
| `alarms_total{what}` | a person should look |
| `dead_letters_total{exchange}` | messages that could not be read |
| `queue_gaps_total` | times that messages may have been lost; a sweep followed |
| `lost_claims_total{pool}` | claims that expired while the build ran |
| `runs{pool,phase}` | unsettled runs |
| `unserved_runs{pool}` | unsettled runs of pools that no process serves |
| `held_back{pool}` | pending runs that wait for something; `bbb status` tells for what |
| `attempts_highest{pool}` | most tries in a row of one debt |
| `oldest_pending_seconds{pool}` | age of the oldest pending run without a build request; 0: there is none |
| `wait_seconds{pool,stage}` | pending to `request`, pending to `start` of the build, verdict to `report` |
| `oldest_due_age_seconds` | how late the oldest debt is: near zero while the bridge keeps up |
| `claim_margin_seconds` | until the first claim expires; NaN without claims |
| `pulse_connected`, `watch_connected{buildbot}` | 1 while the stream of hints is there |
| `pulse_ready` | messages that wait in the Pulse queue, as of the last look |
| `database_connections{state}` | connections of this process to the database: `open`, and of those `idle` |
| `live_log_readers`, `live_log_refused_total{reason}` | who reads live logs now; who was turned away or dropped, and why |
| `event_loop_lag_seconds` | how late the process is to its own timers |
| `loop_silence_seconds{loop}` | since the last sign of life of each loop |
| `info{service,version}` | always 1 |

No label has task ids or other values without bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_PREFIX: Final = "buildbot_bridge"
_WAITS: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One process's measures in a registry of its own."""

    def __init__(self, service: str, version: str) -> None:
        """Make all of them; those without labels begin at 0, or NaN where nothing is known yet."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._heard = self._counter("heard", "Hints that came in", "kind", "outcome")
        self._late = Histogram(
            "hint_lag_seconds", "How late hints are", ["kind"], namespace=_PREFIX, buckets=_WAITS, registry=registry
        )
        self._transitions = self._counter("transitions", "Changes of phase", "from_phase", "to_phase")
        self._outcomes = self._counter("outcomes", "How runs ended", "pool", "resolution")
        self._calls = self._counter("calls", "Calls to the other sides", "side", "api", "outcome")
        self._found = self._counter("found_by_sweep", "What no message had told of", "kind")
        self._faults = self._counter("faults", "What could not be done", "command", "fault")
        self._defects = self._counter("defects", "Exceptions that nobody expected", "command")
        self._alarms = self._counter("alarms", "A person should look", "what")
        self._dead_letters = self._counter("dead_letters", "Messages that could not be read", "exchange")
        self._gaps = self._counter("queue_gaps", "Times that messages may have been lost")
        self._lost_claims = self._counter("lost_claims", "Claims that expired while the build ran", "pool")
        self._call_seconds = Histogram(
            "call_seconds", "Duration of calls", ["side", "api"], namespace=_PREFIX, buckets=_SECONDS, registry=registry
        )
        self._runs = self._gauge("runs", "Unsettled runs", "pool", "phase")
        self._unserved = self._gauge("unserved_runs", "Unsettled runs of pools that nobody serves", "pool")
        self._held = self._gauge("held_back", "Pending runs that wait", "pool")
        self._attempts = self._gauge("attempts_highest", "Most tries in a row of one debt", "pool")
        self._oldest_pending = self._gauge("oldest_pending_seconds", "Age of the oldest run without a request", "pool")
        self._waits = Histogram(
            "wait_seconds", "What runs wait for", ["pool", "stage"], namespace=_PREFIX, buckets=_WAITS, registry=registry
        )
        self._oldest_due = self._gauge("oldest_due_age_seconds", "How late the oldest debt is")
        self._margin = self._gauge("claim_margin_seconds", "Until the first claim expires")
        self._pulse = self._gauge("pulse_connected", "1 while Pulse is heard")
        self._ready = self._gauge("pulse_ready", "Messages that wait in the Pulse queue")
        self._connections = self._gauge("database_connections", "Connections to the database", "state")
        self._watch = self._gauge("watch_connected", "1 while changes are followed", "buildbot")
        self._live = self._gauge("live_log_readers", "Readers of live logs")
        self._live_refused = self._counter("live_log_refused", "Readers of live logs that were turned away", "reason")
        self._lag = self._gauge("event_loop_lag_seconds", "How late the process is to its own timers")
        self._silence = self._gauge("loop_silence_seconds", "Since the last sign of life", "loop")
        self._gauge("info", "Who this is", "service", "version").labels(service, version).set(1)
        self._margin.set(math.nan)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, namespace=_PREFIX, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, namespace=_PREFIX, registry=self.registry)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)

    def heard(self, kind: str, outcome: str) -> None:
        """Count a hint; `kind` is an exchange's or event's short name, `outcome` what it led to."""
        self._heard.labels(kind, outcome).inc()

    def late(self, kind: str, seconds: float) -> None:
        """Count how late a hint was; `kind` as in `heard`. By the clocks of two machines: what is below 0 counts as 0."""
        self._late.labels(kind).observe(max(0.0, seconds))

    def transition(self, from_phase: str | None, to_phase: str) -> None:
        """Count a change of phase; None: the run is new."""
        self._transitions.labels(from_phase or "new", to_phase).inc()

    def outcome(self, pool: str, resolution: str) -> None:
        """Count the end of a run."""
        self._outcomes.labels(pool, resolution).inc()

    def call(self, side: str, api: str, outcome: str, seconds: float) -> None:
        """Count and time a call to a side (`taskcluster`, `buildbot`, `artifacts`)."""
        self._calls.labels(side, api, outcome).inc()
        self._call_seconds.labels(side, api).observe(seconds)

    def found_by_sweep(self, kind: str, count: int = 1) -> None:
        """Count what a sweep found."""
        self._found.labels(kind).inc(count)

    def fault(self, command: str, fault: str) -> None:
        """Count a debt that could not be paid now; `fault` is the kind."""
        self._faults.labels(command, fault).inc()

    def defect(self, command: str) -> None:
        """Count an exception that nobody expected."""
        self._defects.labels(command).inc()

    def alarm(self, what: str) -> None:
        """Count something that a person should look at; `what` is one of few names."""
        self._alarms.labels(what).inc()

    def dead_letter(self, exchange: str) -> None:
        """Count an unreadable message; `exchange` must be one of those that were bound."""
        self._dead_letters.labels(exchange).inc()

    def gap(self) -> None:
        """Count a time in which messages may have been lost."""
        self._gaps.inc()

    def lost_claim(self, pool: str) -> None:
        """Count a claim that expired while the build ran."""
        self._lost_claims.labels(pool).inc()

    def runs(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Show the unsettled runs by pool and phase; what is not named any more disappears."""
        self._runs.clear()
        for (pool, phase), count in counts.items():
            self._runs.labels(pool, phase).set(count)

    def unserved(self, counts: Mapping[str, int]) -> None:
        """Show the unsettled runs of pools that nobody serves; a pool that is served again disappears."""
        self._unserved.clear()
        for pool, count in counts.items():
            self._unserved.labels(pool).set(count)

    def waiting(self, pool: str, held: int, attempts: int, oldest: float) -> None:
        """Show a pool's pending runs that wait, the most tries in a row of one debt, and the oldest run's age in seconds."""
        self._held.labels(pool).set(held)
        self._attempts.labels(pool).set(attempts)
        self._oldest_pending.labels(pool).set(oldest)

    def waited(self, pool: str, stage: str, seconds: float) -> None:
        """Count what a run waited for: `request`, `start` or `report`."""
        self._waits.labels(pool, stage).observe(max(0.0, seconds))

    def pulse_ready(self, count: int) -> None:
        """Show how many messages wait in the Pulse queue."""
        self._ready.set(count)

    def connections(self, open_: int, idle: int) -> None:
        """Show this process's connections to the database."""
        self._connections.labels("open").set(open_)
        self._connections.labels("idle").set(idle)

    def margins(self, oldest_due: float | None, claim_margin: float | None) -> None:
        """Show how late the oldest debt is and how near the first expiry, in seconds; None: there is none."""
        self._oldest_due.set(max(0.0, oldest_due or 0.0))
        self._margin.set(math.nan if claim_margin is None else claim_margin)

    def pulse_connected(self, connected: bool) -> None:
        """Show whether Pulse is heard."""
        self._pulse.set(connected)

    def watch_connected(self, buildbot: str, connected: bool) -> None:
        """Show whether a Buildbot's changes are followed."""
        self._watch.labels(buildbot).set(connected)

    def live_readers(self, count: int) -> None:
        """Show how many read live logs."""
        self._live.set(count)

    def live_refused(self, reason: str) -> None:
        """Count a reader of a live log that was turned away or dropped."""
        self._live_refused.labels(reason).inc()

    def lag(self, seconds: float) -> None:
        """Show how late the process is to its own timers."""
        self._lag.set(seconds)

    def silence(self, loop: str, seconds: float) -> None:
        """Show how long a loop has given no sign of life."""
        self._silence.labels(loop).set(seconds)
