"""Task definitions as task creators send them, by the wall clock."""

import time
from typing import Any

from tests.doubles.taskcluster.instants import HOUR, zulu


def in_an_hour() -> str:
    return zulu(time.time_ns() // 1000 + HOUR)


def definition(**changes: Any) -> dict[str, Any]:
    """Define a task of the queue `proj/queue` that must end within an hour."""
    return {
        "taskQueueId": "proj/queue",
        "created": zulu(time.time_ns() // 1000),
        "deadline": in_an_hour(),
        "payload": {"buildername": "linux"},
        "metadata": {"name": "a build", "description": "d", "owner": "o@example.com", "source": "https://example.com"},
        **changes,
    }
