"""A process that claims a run and attaches a large artifact to it, to be killed at any moment.

python -m tests.integration.taskcluster.uploader ROOT_URL TOKEN TASK_ID BYTES
"""

import asyncio
import sys

from aiolimiter import AsyncLimiter

from bridge.core.run import RunId, RunKey, TaskId
from bridge.taskcluster.artifacts import Storage, Uploads
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.queue import Queue
from bridge.taskcluster.session import open_session
from tests.integration.taskcluster.conftest import POOL, WORKER
from tests.integration.taskcluster.test_sources import Zeros


async def upload(root_url: str, token: str, task_id: str, size: int) -> None:
    async with open_session(30, lambda _: None) as session:
        calls = Calls(root_url, session, AsyncLimiter(1000, 1), lambda *_: None)
        queue = Queue(calls, lambda: Credentials("bridge", token), Uploads(calls, Storage.S3))
        key = RunKey(TaskId(task_id), RunId(0))
        await queue.claim(key, WORKER, POOL)
        await queue.attach(key, Zeros(size).artifact())


if __name__ == "__main__":
    asyncio.run(upload(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
