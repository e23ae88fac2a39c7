"""What the outside holds: calls, transitions of runs, tasks, build requests with their builds."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Json = dict[str, Any]
OPEN = ("pending", "running")
HANDED = ("intermittent-task", "claim-expired")
RETRIES = ("retry", "task-retry")
NEVER: Json = {}


@dataclass(frozen=True)
class Cancel:
    """The bridge asked Buildbot to cancel the request under this key, at this time (seconds since 1970)."""

    unix: float
    key: str


@dataclass(frozen=True)
class Evidence:
    """All times are seconds since 1970; the dictionaries have the shapes of the queue double's and Buildbot's own records.

    `calls` of the bridge, in order: n, unix, api, taskId, runId (None: about no one task), status (what the caller was
    answered), done (what was truly done; None: nothing), and where they apply workerGroup, workerId, reason, path.
    `history`: each change of a run: unix, taskId, runId, state, reason, workerGroup.
    `tasks` by id: {"status": {"runs": [{state, reasonCreated, reasonResolved?}], …}}, as they are in the end.
    `requests` by key, rebuilds not counted: buildrequestid, complete, results, complete_at, submitted_at, and `builds`:
    buildid, started_at, results.
    """

    calls: Sequence[Json]
    history: Sequence[Json]
    tasks: Mapping[str, Json]
    requests: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    cancels: Sequence[Cancel] | None = None
    """None where the asking itself is not on record: then cancelled requests are judged by their ends."""
    group: str | None = None
    """The bridge's worker group; a run that somebody else claimed is not the bridge's to keep. None: nobody else is there."""
    own: str = "buildbot-bridge"
    """The worker id under which the bridge claims what it refuses."""
    grain: float = 1.0
    """Seconds by which Buildbot's times may be too early: it rounds down to whole seconds."""
    read_within: float = 2.0
    """Seconds from a status read to the cancelTask that it allows."""

    @cached_property
    def _changes(self) -> dict[tuple[str, int], tuple[list[float], list[Json]]]:
        found: dict[tuple[str, int], tuple[list[float], list[Json]]] = {}
        for change in self.history:
            times, changes = found.setdefault((change["taskId"], change["runId"]), ([], []))
            times.append(change["unix"])
            changes.append(change)
        return found

    @cached_property
    def _calls_of(self) -> dict[tuple[str | None, int | None], list[Json]]:
        found: dict[tuple[str | None, int | None], list[Json]] = {}
        for call in self.calls:
            found.setdefault((call["taskId"], call["runId"]), []).append(call)
        return found

    def of_run(self, task: str, run: int, *apis: str) -> list[Json]:
        """The bridge's calls about a run, of these kinds, or of all."""
        calls = self._calls_of.get((task, run), [])
        return [call for call in calls if not apis or call["api"] in apis]

    def made(self, *apis: str) -> list[Json]:
        """The bridge's calls of these kinds about these tasks, or about no one task."""
        return [
            call for call in self.calls if call["api"] in apis and (call["taskId"] is None or call["taskId"] in self.tasks)
        ]

    def runs(self, task: str) -> list[Json]:
        """The runs of a task in the end; a task that is gone has none."""
        found: list[Json] = self.tasks[task]["status"]["runs"] if task in self.tasks else []
        return found

    def at(self, task: str, run: int, when: float) -> Json | None:
        """The run's last transition up to then."""
        times, changes = self._changes.get((task, run), ([], []))
        place = bisect_right(times, when)
        return changes[place - 1] if place else None

    def last(self, task: str, when: float) -> int:
        """The highest run that existed then; -1 for none."""
        numbers = [run for (of, run), (times, _) in self._changes.items() if of == task and times[0] <= when]
        return max(numbers, default=-1)

    def holder(self, task: str, run: int, when: float) -> int:
        """The run that at that time held, or could adopt, the request made for `run`."""
        while True:
            state, following = self.at(task, run, when), self.at(task, run + 1, when)
            if state is None or state["reason"] not in HANDED or following is None:
                return run
            if self.runs(task)[run + 1]["reasonCreated"] not in RETRIES:
                return run
            run += 1

    def request_for(self, task: str, run: int) -> Json | None:
        """The request that the run held: its own, or its predecessor's by an unbroken chain of retries."""
        runs = self.runs(task)
        while True:
            if found := self.requests.get(f"{task}/{run}"):
                return found[0]
            if run == 0 or run >= len(runs) or runs[run]["reasonCreated"] not in RETRIES:
                return None
            if runs[run - 1].get("reasonResolved") not in HANDED:
                return None
            run -= 1
