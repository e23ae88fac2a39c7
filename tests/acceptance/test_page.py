"""The status page over the whole stack: a run from pending to done before one's eyes, its group's graph, and the search."""

import slugid
from playwright.async_api import Browser

from tests.acceptance.test_status import TOKEN, Reader, reader
from tests.sandbox.browser import Tab, tab

__all__ = ["reader"]


async def test_a_run_goes_from_pending_to_done_before_ones_eyes(reader: Reader, chromium: Browser) -> None:
    scene = reader.scene
    group, task = slugid.nice(), slugid.nice()
    first = await scene.task("success", taskGroupId=group)
    await scene.run(first, "completed")
    async with tab(chromium, reader.url.removesuffix("/api/v1/")) as seen:
        await _signed_in(seen, f"/runs/{task}/0")
        await seen.page.get_by_role("alert").get_by_text("the bridge has no row").wait_for()
        await seen.page.evaluate("() => { window.untouched = true }")
        await scene.task("gate", task_id=task, taskGroupId=group, dependencies=[first])
        await _state(seen, "building")
        await scene.at_gate(task)
        await _says(seen, "Taskcluster", "running")
        await _says(seen, "Buildbot", "bot")
        await seen.page.get_by_role("link", name="Build in Buildbot").wait_for()
        await scene.let(task)
        await _state(seen, "completed")
        await _says(seen, "Taskcluster", "completed")
        await _says(seen, "Buildbot", "SUCCESS")
        assert await seen.page.evaluate("() => window.untouched === true")
        address = await seen.page.get_by_role("link", name="Build in Buildbot").get_attribute("href")
        await scene.over(first, task)
        await _drawn(seen, group, {first, task})
        await _found(seen, task, address or "")
        assert [each for each in seen.wrong if "404" not in each and "401" not in each] == []


async def _signed_in(seen: Tab, path: str) -> None:
    await seen.page.goto(f"{seen.url}{path}")
    await seen.page.get_by_label("Token").fill(TOKEN)
    await seen.page.keyboard.press("Enter")
    await seen.filled()


async def _state(seen: Tab, state: str) -> None:
    await seen.page.locator("#content > p .chip").get_by_text(state, exact=True).wait_for(timeout=60_000)


async def _says(seen: Tab, side: str, words: str) -> None:
    panel = seen.page.locator("section", has=seen.page.get_by_role("heading", name=f"{side} says"))
    await panel.get_by_text(words).first.wait_for()


async def _drawn(seen: Tab, group: str, tasks: set[str]) -> None:
    """The graph: both tasks in their colour, and the line between them."""
    await seen.go(f"/groups/{group}")
    nodes = seen.page.locator(".graph a.node[data-tone=completed]")
    assert await nodes.count() == len(tasks)
    assert await seen.page.locator(".graph path.edge").count() == 1
    found = {(await each.get_attribute("href") or "").split("/")[2] for each in await nodes.all()}
    assert found == tasks


async def _found(seen: Tab, task: str, address: str) -> None:
    """By each of its names: task, run, Buildbot's address of the build, the builder's number of it."""
    number = address.rpartition("/")[2]
    for name in (task, f"{task}/0", address, f"gate #{number}", f"https://tc.example.org/tasks/{task}/runs/0"):
        await seen.page.get_by_role("searchbox").fill(name)
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url(f"**/runs/{task}/0")
        await seen.filled()
        await seen.go("/stuck")
