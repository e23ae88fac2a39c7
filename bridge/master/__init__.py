"""The plugin inside a Buildbot master: what the bridge may ask of it, over the master's own web port.

Two lines in `master.cfg` switch it on:

    c['services'].append(util.TaskclusterBridge(token=util.Secret('bridge-token'), builders=['*'], max_pending=200))
    c['www']['plugins']['taskcluster'] = {}

A step of a build gives files to the task for which it runs:

    factory.addStep(steps.TaskclusterArtifact('dist/*.whl'))

It promises one build request for each run of a task, however often and by whomever it is asked for; the truth about
those requests in bulk; a long-poll that tells soon that something changed; what a build shows, its steps and the lines of
their logs; and the files that it gave away, each whole or not at all, until the bridge has them. It opens no port, keeps no
tables, starts no process and needs nothing beyond Buildbot itself; on the disk it keeps only these files.

It is a guest: it imports nothing else of this project, because the master's environment holds only this distribution
without its extras, and it knows nothing of Taskcluster beyond the form of a run's name. Whoever holds the token can
submit to the builders that the patterns open, and can cancel and read only requests that carry a run's name, and builds
of such requests.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TaskclusterArtifact", "TaskclusterBridge"]


def __getattr__(name: str) -> Any:
    """Load service and step when Buildbot asks for them, so that the pure parts can be imported where no Buildbot is."""
    match name:
        case "TaskclusterBridge":
            from bridge.master.service import TaskclusterBridge

            return TaskclusterBridge
        case "TaskclusterArtifact":
            from bridge.master.steps import TaskclusterArtifact

            return TaskclusterArtifact
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
