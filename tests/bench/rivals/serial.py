"""A loop with one statement and one call for each row: how a bridge looks at its runs that has no batches.

`python -m tests.bench.rivals.serial ROOT_URL DSN`: one turn over all rows; prints how many there were and what they cost.
"""

import asyncio
import json
import sys
import time

import aiohttp
import asyncpg
import taskcluster.aio


async def main(root_url: str, dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    tasks = [row["task_id"] for row in await connection.fetch("SELECT task_id FROM runs WHERE phase <> 'settled'")]
    options = {"rootUrl": root_url, "credentials": {"clientId": "bridge", "accessToken": "k" * 24}}
    async with aiohttp.ClientSession() as session:
        queue = taskcluster.aio.Queue(options, session=session)
        began = time.process_time()
        for task in tasks:
            await connection.fetchrow("SELECT * FROM runs WHERE task_id = $1 AND run_id = 0", task)
            await queue.status(task)
        print(json.dumps({"rows": len(tasks), "cpu": time.process_time() - began}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
