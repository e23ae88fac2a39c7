"""Makes what is published with the runs of a pool, for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.core.artifact import Stored
from bridge.core.record import BuildRecord
from bridge.core.request import RequestState
from bridge.core.run import Run
from bridge.published import facts
from bridge.published.document import Redact
from bridge.published.provenance import Seen, Signer, provenance
from bridge.published.redaction import Properties, Redactor


@dataclass(frozen=True, slots=True)
class Publisher:
    """`attests`: whether provenance is wanted. `signer` None: it is not signed."""

    redaction: Redactor
    version: str
    attests: bool = False
    signer: Signer | None = None

    def redactor(self, properties: Properties) -> Redact:
        """What masks secrets in text about a build with these properties."""
        return self.redaction.of_build(properties)

    def facts(self, run: Run, state: RequestState, record: BuildRecord, page: str | None, redact: Redact) -> bytes:
        """The document about a run's build."""
        return facts.facts(run, state, record, page, redact, self.version).written()

    def provenance(  # noqa: PLR0913, PLR0917  all that it says
        self,
        run: Run,
        state: RequestState,
        record: BuildRecord,
        page: str | None,
        definition: str,
        stored: Sequence[Stored],
    ) -> tuple[bytes, bytes | None]:
        """The document about what the bridge saw, and its signature where there is a key."""
        seen = Seen(task_id=run.key.task_id, run_id=run.key.run_id, definition_sha256=definition)
        build = facts.build(state, record, page, self.redaction.text)
        document = provenance(seen, build, stored, self.version).written()
        return document, None if self.signer is None else self.signer.sign(document)
