"""Which of the files that a build gave away its task may carry, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.core.record import Output


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """The most files of one run, and the most bytes of one file and of all together."""

    files: int = 10_000
    file_bytes: int = 5 << 30
    total_bytes: int = 50 << 30


def refused(outputs: Sequence[Output], limits: OutputLimits) -> Mapping[int, str]:
    """Why some outputs are over a limit, by their number. Those that come first are served first."""
    found: dict[int, str] = {}
    taken = total = 0
    for output in outputs:
        why = _over(output, taken, total, limits)
        if why is not None:
            found[output.number] = why
        else:
            taken, total = taken + 1, total + output.size
    return found


def _over(output: Output, taken: int, total: int, limits: OutputLimits) -> str | None:
    if output.size > limits.file_bytes:
        return f"it has {output.size} bytes, and the pool allows {limits.file_bytes} in one file (artifacts.file_bytes)"
    if taken >= limits.files:
        return f"the pool allows {limits.files} files of one build (artifacts.files)"
    if total + output.size > limits.total_bytes:
        return f"the pool allows {limits.total_bytes} bytes of one build (artifacts.total_bytes)"
    return None


def expires(output: Output, since: datetime, task: datetime) -> datetime:
    """When its artifact expires: never later than the task. The same whenever it is asked, so that a repeat is equal."""
    return task if output.lifetime is None else min(task, since + timedelta(seconds=output.lifetime))
