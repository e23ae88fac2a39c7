"""The plugin inside a Buildbot master: what the bridge may ask of it, over the master's own web port.

Two lines in `master.cfg` switch it on:

    c['services'].append(util.TaskclusterBridge(token=util.Secret('bridge-token'), builders=['*'], max_pending=200))
    c['www']['plugins']['taskcluster'] = {}

It promises one build request for each run of a task, however often and by whomever it is asked for; the truth about
those requests in bulk; and a long-poll that tells soon that something changed. It opens no port, keeps no tables,
starts no process and needs nothing beyond Buildbot itself.

It is a guest: it imports nothing else of this project, because the master's environment holds only this distribution
without its extras, and it knows nothing of Taskcluster beyond the form of a run's name. Whoever holds the token can
submit to the builders that the patterns open, and can cancel and read only requests that carry a run's name.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TaskclusterBridge"]


def __getattr__(name: str) -> Any:
    """Load the service when Buildbot asks for it, so that the pure parts can be imported where no Buildbot is."""
    if name != "TaskclusterBridge":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bridge.master.service import TaskclusterBridge

    return TaskclusterBridge
