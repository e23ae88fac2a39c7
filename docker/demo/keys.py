"""Makes the secrets of the demo, other ones at each place where it runs: none is in this repository.

python keys.py DIRECTORY [UID]. What is there stays as it is, so that a database goes on knowing its password. As root the
secrets of the bridge, of Buildbot and of whoever submits are given to the account UID, and nobody else can read them. Those
of PostgreSQL and RabbitMQ, whose images have accounts of their own, can be read by whoever is let into the volume.
"""

import json
import os
import secrets
import sys
from pathlib import Path

POOL = "proj-demo/buildbot"
# What `bbb scopes` says for bridge.toml beside this file.
BRIDGE = [
    "queue:worker-id:demo/*",
    f"queue:claim-task:{POOL}",
    f"queue:pending-list:{POOL}",
    "queue:status:*",
    "queue:get-task:*",
    "auth:expand-scopes",
    "queue:cancel-task:*",
]
AUTHOR = [
    f"queue:create-task:highest:{POOL}",
    "queue:create-task:project:none",
    "queue:scheduler-id:*",
    "queue:cancel-task:*",
    "buildbot-bridge:builder-name:*",
]


def files() -> dict[str, str]:
    """Every file and what is in it."""
    postgres, rabbit, plugin, bridge, author = (secrets.token_hex(32) for _ in range(5))
    clients = {
        "bridge": {"accessToken": bridge, "scopes": BRIDGE},
        "author": {"accessToken": author, "scopes": AUTHOR},
    }
    return {
        "open/postgres-password": postgres,
        "open/rabbitmq/demo.conf": f"default_user = bridge\ndefault_pass = {rabbit}\n",
        "bridge/taskcluster-token": bridge,
        "bridge/database-dsn": f"postgresql://bridge:{postgres}@postgres:5432/bridge",
        "bridge/pulse-url": f"amqp://bridge:{rabbit}@rabbitmq:5672/%2F",
        "bridge/buildbot-token": plugin,
        "bridge/status-token": secrets.token_hex(32),
        "bridge/live-log-key": secrets.token_hex(32),
        "buildbot/bridge-token": plugin,
        "buildbot/worker-password": secrets.token_hex(16),
        "queue/double.json": json.dumps({"clients": clients}),
        "queue/amqp-url": f"amqp://bridge:{rabbit}@rabbitmq:5672/%2F",
        "author/token": author,
    }


def main(place: Path, owner: int | None) -> None:
    """Write them all; the last one tells that all are there."""
    finished = place / "finished"
    if finished.exists():
        return
    for name, text in files().items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        public = name.startswith("open/")
        path.chmod(0o444 if public else 0o400)
        path.parent.chmod(0o755 if public else 0o700)
        if owner is not None and not public:
            os.chown(path, owner, owner)
            os.chown(path.parent, owner, owner)
    finished.touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
