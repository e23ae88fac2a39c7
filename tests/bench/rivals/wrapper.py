"""A polling worker around one build after the other: claims work, requests the build, looks at it every ten seconds, renews."""

import sys
import time

import requests
import taskcluster

from tests.bench.rivals.servers import WORKER, Json, Servers

POLL = 10.0
RENEW = 400.0
"""Seconds, a third of a claim: as the bridge does."""


class Wrapper:
    """One worker."""

    def __init__(self, servers: Servers, queue_name: str) -> None:
        self.servers, self.queue_name = servers, queue_name
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {servers.token}"
        self.queue = taskcluster.Queue(
            {"rootUrl": servers.root_url, "credentials": {"clientId": "bridge", "accessToken": servers.key}}
        )

    def work(self) -> None:
        """Work for ever."""
        print("ready", flush=True)
        while True:
            for claim in self.queue.claimWork(self.queue_name, {**WORKER, "tasks": 1})["tasks"]:
                self.build(claim)

    def build(self, claim: Json) -> None:
        """Carry one task from its claim to its report."""
        task, payload = claim["status"]["taskId"], claim["task"]["payload"]
        own = self._own(claim)
        path = f"{self.servers.plugin}/runs/{task}/0"
        body = {"builder": payload["buildername"], "properties": payload["properties"], "reason": task, "not_before": 0}
        self.session.put(path, json=body).raise_for_status()
        renewed = time.monotonic()
        while not self.session.get(path).json()["complete"]:
            time.sleep(POLL)
            if time.monotonic() - renewed > RENEW:
                own, renewed = self._own(own.reclaimTask(task, "0")), time.monotonic()
        own.reportCompleted(task, "0")

    def _own(self, claim: Json) -> taskcluster.Queue:
        return taskcluster.Queue({"rootUrl": self.servers.root_url, "credentials": claim["credentials"]})


if __name__ == "__main__":
    Wrapper(Servers.read(sys.argv[1]), sys.argv[2]).work()
