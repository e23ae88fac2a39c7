"""A Buildbot worker's name made a valid Taskcluster workerId."""

from __future__ import annotations

import hashlib
import re

from bridge.core.run import Worker

_LIMIT = 38  # Taskcluster: workerGroup and workerId match [a-zA-Z0-9_-]{1,38}
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST = 8


def worker_for(group: str, name: str) -> Worker:
    """The identity of the Buildbot worker `name`: the name itself where it is valid, else made so with a short hash.

    Two different names never become one: a changed name carries the hash of the original. Buildbot's names have up to 50
    characters of any kind, dots included; Taskcluster's identifiers have 38 and no dots.
    """
    fit = _UNFIT.sub("-", name)
    if fit == name and 0 < len(name) <= _LIMIT:
        return Worker(group, name)
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return Worker(group, f"{fit[: _LIMIT - _DIGEST - 1]}-{digest}")
