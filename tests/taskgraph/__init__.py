"""The sample project that a newcomer can copy, and what the tests of task graphs know of it."""

from __future__ import annotations

from pathlib import Path

SAMPLE = Path(__file__).parent / "sample"
PARAMETERS = Path(__file__).parent / "parameters.yml"
TASK_QUEUES = {"buildbot-bridge": "proj-demo/buildbot", "docker-worker": "proj-demo/linux-docker"}

BUILDERS = (
    "demo deps",
    "demo build linux64",
    "demo build win64",
    "demo test linux64",
    "demo package",
    "demo docs",
    "demo docs links",
    "demo docs upload",
    "demo report",
    "demo sign",
    "demo push to mirrors",
)
"""All builders of the sample, for parameter `project: demo`."""

ARTIFACTS = {"demo build linux64": "public/build/widget.tar.gz", "scan-linux64": "public/scan/report.txt"}
"""Builder, or label of a native task, to the artifact of it that other tasks name."""
