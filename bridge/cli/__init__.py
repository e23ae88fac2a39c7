"""`bbb`, the command: runs the services, and tells people what is going on.

Promises: it reads the settings as the services do. `submit` and `follow` are for people who make tasks and have no such
settings: they take the account that Taskcluster's own tools take from the environment. What a person did wrong is one
clear message and exit status 2, never a traceback; `--json` on everything that reads. Exit status 1: a service failed, the
doctor found a failure, or a task that was followed did not complete.

It is a composition root: with the shells it is the only place that joins rooms. It decides nothing about runs.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run a command. In an environment that was made for the plugin or a decision task alone, say what is missing."""
    try:
        from bridge.cli import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("bridge", "listeners", "reflector", "sql"):
            raise
        sys.exit(
            f"bbb: the package {error.name} is not installed here. Install all: pip install 'buildbot-bridge[services]'"
        )
    app.main()
