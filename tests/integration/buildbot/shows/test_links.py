"""A build of the bridge shows the way to its Taskcluster task."""

from collections.abc import Callable

from bridge.buildbot.builds import BuildbotBuilds
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.integration.buildbot.shows.giving import gave_all
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]
URL = "https://tc.example/tasks/RQ6OGWNuRYCLxPGx9t3GZg/runs/0"


async def test_the_first_step_links_to_the_task_while_it_runs(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox
) -> None:
    run = task()
    await run.submit("slow", taskcluster_task_url=URL)
    build = (await run.building()).newest
    assert build is not None

    async def links() -> list[dict[str, str]]:
        return [dict(step.urls) for step in (await builds.record(build.build_id)).steps]

    shown = await until(links, any)
    assert shown[0] == {"Taskcluster task": URL}
    await master.control(f"builds/{build.build_id}", "stop", reason="seen")
    await run.completed()
    assert (await builds.properties(build.build_id))["taskcluster_task_url"][0] == URL


async def test_what_is_no_web_address_and_a_build_without_an_address_get_no_link(
    task: NewTask, builds: BuildbotBuilds
) -> None:
    addresses: list[dict[str, object]] = [
        {"taskcluster_task_url": each} for each in ("javascript:alert(1)", 7, None, "https://" + "x" * 3000)
    ]
    for build in await gave_all(task, [{"script": "true", "source": "x", **each} for each in [{}, *addresses]]):
        assert [dict(step.urls) for step in (await builds.record(build.build_id)).steps if step.urls] == []


async def test_a_rebuild_shows_no_task(task: NewTask, master: BuildbotSandbox) -> None:
    run = task()
    await run.submit("talk", taskcluster_task_url=URL)
    build = (await run.completed()).newest
    assert build is not None
    _, requests = await master.control(f"builds/{build.build_id}", "rebuild")
    (rebuilt,) = requests.values()

    async def foreign() -> list[dict[str, int]]:
        return (await master.rest(f"builds?buildrequestid={rebuilt}&complete=1"))["builds"]

    (again,) = await until(foreign, bool)
    steps = (await master.rest(f"builds/{again['buildid']}/steps"))["steps"]
    assert all(url["url"] != URL for step in steps for url in step["urls"])
