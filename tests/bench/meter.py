"""CPU and memory of processes, asked from outside, without their help."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MiB: now, at its peak, and what no other process shares."""

    now: float
    peak: float
    own: float


def cpu(pids: Iterable[int]) -> float:
    """Seconds of CPU that these processes have spent, user and system, to the microsecond."""
    return sum(time.clock_gettime(_clock(pid)) for pid in pids)


def _clock(pid: int) -> int:
    """The process's CPU clock, as clock_getcpuclockid(3) makes it."""
    return (~pid << 3) | 2


def memory(pid: int) -> Memory:
    """What it has in memory."""
    fields = _fields(f"/proc/{pid}/status")
    rollup = _fields(f"/proc/{pid}/smaps_rollup")
    own = rollup["Private_Clean"] + rollup["Private_Dirty"]
    return Memory(fields["VmRSS"], fields["VmHWM"], own)


def _fields(path: str) -> dict[str, float]:
    lines = (line.split() for line in Path(path).read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines if len(line) == 3 and line[2] == "kB"}


def load() -> str:
    """How busy the machine is, for the conditions of a report."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
