"""What Buildbot says about a build request, as values: the truth that every decision about a build is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

MASTER_SHUTDOWN: Final = "master-shutdown"


@dataclass(frozen=True, slots=True)
class BuildState:
    """One build of a request. RETRY ends a build and not its request, so a request may have several."""

    build_id: int
    number: int
    builder_id: int
    worker: str
    """The Buildbot worker's name as it stands in the master, up to 50 characters of any kind."""
    started_at: datetime
    complete_at: datetime | None
    results: int | None
    """Buildbot's result code; None while the build runs."""
    interrupted: str | None
    """`MASTER_SHUTDOWN` when the stopping master ended this build; None for every other end."""
    state_string: str


@dataclass(frozen=True, slots=True)
class RequestState:
    """A build request as the database of Buildbot holds it. Its completion is the verdict, a build's end is not."""

    request_id: int
    external_id: str
    """`<taskId>/<runId>` of the run that created the request; a later run that adopted it does not change this."""
    claimed: bool
    complete: bool
    results: int | None
    """Buildbot's result code; None while the request is open."""
    complete_at: datetime | None
    submitted_at: datetime
    priority: int
    master_shutdown: bool
    """True when the request ended CANCELLED because the master stopped, and not because a person asked."""
    builds: tuple[BuildState, ...]
    """Sorted by build id, so the last one is the newest."""

    @property
    def newest(self) -> BuildState | None:
        """The build that counts: the latest attempt, or None when no build was ever made."""
        return self.builds[-1] if self.builds else None
