"""Where people find things in Taskcluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses below a Taskcluster's root URL."""

    root_url: str

    def group(self, group: str) -> str:
        """The page of a task group."""
        return f"{self.root_url}/tasks/groups/{group}"

    def task(self, task_id: str) -> str:
        """The page of a task."""
        return f"{self.root_url}/tasks/{task_id}"

    def log(self, task_id: str, run: int) -> str:
        """The log of a run as plain text, while the run goes on as well if the bridge shows live logs."""
        return f"{self.root_url}/api/queue/v1/task/{task_id}/runs/{run}/artifacts/public/logs/live.log"
