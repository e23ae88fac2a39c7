"""The part of a pool's configuration that decisions depend on, as a value that travels with each event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.core.run import Worker
from bridge.core.verdict import ResultMap


@dataclass(frozen=True, slots=True)
class Rules:
    """How one pool's runs are judged: identities and result maps (`by_builder` wins over `results`)."""

    worker_group: str
    own_worker_id: str = "buildbot-bridge"
    results: ResultMap = field(default_factory=ResultMap)
    by_builder: Mapping[str, ResultMap] = field(default_factory=dict)

    def results_for(self, builder: str | None) -> ResultMap:
        """The result map of a builder."""
        return self.results if builder is None else self.by_builder.get(builder, self.results)

    @property
    def own_worker(self) -> Worker:
        """The identity for runs that no Buildbot worker has touched."""
        return Worker(self.worker_group, self.own_worker_id)
