"""The three services in one process carry a task to its end."""

import json
import re

from tests.sandbox import process
from tests.sandbox.stack import Plan, Stack

CANARY = "property-of-the-task"


async def test_one_process_carries_a_task_to_its_end_and_stops_in_good_order() -> None:
    plan = Plan(workers=1, settings={"log": {"level": "debug"}})
    with process.scratch("all") as directory:
        async with Stack(directory, plan) as stack:
            await _story(stack)


async def _story(stack: Stack) -> None:
    await stack.start_services("all")
    service = stack.services["all"]
    task = await stack.create("success", properties={"seen": CANARY})
    await stack.until(task, "completed")
    await stack.settled(task)
    assert CANARY in await stack.artifact(task, 0, "public/properties.json")
    findings = json.loads(await stack.bbb("doctor", "--json"))
    assert findings["ok"], findings
    secrets = [stack.key, stack.buildbot.token, stack.rabbit.pulse_url.split(":")[2].split("@")[0]]
    assert await stack.stop_service("all") == 0
    assert not [secret for secret in secrets if secret in service.log]
    lines = [json.loads(line) for line in service.log.splitlines()]
    moved = [line for line in lines if line["event"] == "run_moved" and line["task"] == task]
    assert [line["to_phase"] for line in moved][-1] == "settled"
    assert {line["service"] for line in moved} <= {"taskcluster-listener", "buildbot-listener", "reflector"}
    assert all(re.match(line["service"], line["replica"]) for line in moved)
