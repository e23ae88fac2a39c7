"""Before one's eyes: what changes is shown without a reload, and what somebody was about to do is left alone."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser

from bridge.core.ledger import Swept
from bridge.core.run import Settled, Wanted
from bridge.store.people import People
from bridge.store.runs import Runs
from tests.integration.status.page import town
from tests.integration.status.serving import Served, serving
from tests.integration.status.test_api import GROUP, HOSTILE, away
from tests.integration.store.rows import FACTS, FULL, TASK, saved, wanted
from tests.sandbox.browser import Tab, tab

LIVING = "() => { window.untouched = true }"


async def shows(seen: Tab, state: str) -> None:
    """Wait until the first row is in this state; the document is still the one that was opened."""
    await seen.page.locator("tbody tr").first.locator(".chip").get_by_text(state, exact=True).first.wait_for()
    assert await seen.page.evaluate("() => window.untouched === true")


async def test_a_run_goes_from_pending_to_done_in_the_table_and_on_its_page(
    store: Runs, api: Served, chromium: Browser
) -> None:
    async with tab(chromium, api.url) as table, tab(chromium, api.url) as alone, tab(chromium, api.url) as overview:
        await table.go("/runs")
        await overview.go("/")
        for seen in (table, overview):
            await seen.page.locator("#live[data-state=live]").wait_for()
            await seen.page.evaluate(LIVING)
        await table.page.get_by_text("No run fits.").wait_for()
        await table.page.get_by_role("textbox", name="Builder").fill("half a na")
        await store.add(replace(wanted(0), facts=FACTS, builder="linux64-opt"), "task is pending")
        await shows(table, "wanted")
        await alone.go(f"/runs/{TASK}/0")
        await alone.page.evaluate(LIVING)
        for phase in (FULL[1], FULL[2], FULL[3], Settled("resolved as completed", FULL[1].request)):
            await saved(store, replace(wanted(0), phase=phase, facts=FACTS, builder="linux64-opt"))
            word = "completed" if isinstance(phase, Settled) else type(phase).__name__.lower()
            await shows(table, word)
            await alone.page.locator("main > div > p .chip").get_by_text(word, exact=True).wait_for()
            if word == "building":
                count = overview.page.get_by_role("link", name="building").locator("strong")
                await count.get_by_text("1", exact=True).wait_for()
        await count.get_by_text("0", exact=True).wait_for()
        await alone.page.get_by_text("Nothing: the run is over.").wait_for()
        assert await overview.page.evaluate("() => window.untouched === true")
        assert await alone.page.locator("section:has(h2:text('Changes of phase')) tbody tr").count() == 5
        assert await alone.page.evaluate("() => window.untouched === true")
        assert await table.page.get_by_role("textbox", name="Builder").input_value() == "half a na"
        assert table.wrong == alone.wrong == overview.wrong == []


async def test_focus_stays_where_it_is_while_rows_come(store: Runs, api: Served, chromium: Browser) -> None:
    await store.insert([wanted(0)])
    async with tab(chromium, api.url) as seen:
        await seen.go("/runs")
        await seen.page.locator("#live[data-state=live]").wait_for()
        await seen.page.get_by_role("link", name=f"{TASK}/0").focus()
        await store.insert([wanted(1)])
        await seen.page.get_by_role("link", name=f"{TASK}/1").wait_for()
        assert await seen.page.evaluate("() => document.activeElement.textContent") == f"{TASK}/0"


async def test_a_database_that_is_away_is_said_and_passes(
    store: Runs, api: Served, chromium: Browser, postgres_dsn: str
) -> None:
    await town.settle(store)
    async with tab(chromium, api.url) as seen:
        await seen.go("/runs")
        async with away(postgres_dsn):
            await seen.page.reload()
            alert = seen.page.get_by_role("alert")
            await alert.get_by_text("The database does not answer").wait_for()
        await alert.wait_for(state="hidden")
        assert await seen.page.locator("tbody tr").count() == 100


async def test_a_page_whose_server_ends_does_not_look_alive(postgres_dsn: str, tmp_path: Path, chromium: Browser) -> None:
    async with AsyncExitStack() as people:
        async with serving(postgres_dsn, tmp_path) as api:
            seen = await people.enter_async_context(tab(chromium, api.url))
            await seen.go("/runs")
            await seen.page.locator("#live[data-state=live]").wait_for()
        await seen.page.locator("#live[data-state=away]").wait_for()
        await seen.page.get_by_role("alert").get_by_text("does not answer").wait_for()
        await seen.page.get_by_text("No run fits.").wait_for()


HIDDEN = "Object.defineProperty(document, 'hidden', {value: true})"
HIDE = f"() => {{ {HIDDEN}; document.dispatchEvent(new Event('visibilitychange')) }}"
"""What a browser does when another tab is looked at; one without windows looks at all its tabs."""


async def test_a_tab_that_nobody_looks_at_leaves_its_place_to_others(
    postgres_dsn: str, tmp_path: Path, chromium: Browser
) -> None:
    async with AsyncExitStack() as people:
        api = await people.enter_async_context(serving(postgres_dsn, tmp_path, watchers=1))
        behind, one, two = [await people.enter_async_context(tab(chromium, api.url)) for _ in range(3)]
        await behind.page.add_init_script(HIDDEN)
        await behind.go("/runs")
        await behind.page.get_by_text("No run fits.").wait_for()
        await one.go("/runs")
        await one.page.locator("#live[data-state=live]").wait_for()
        await two.go("/runs")
        await two.page.locator("#live[data-state=away]").wait_for()
        await two.page.get_by_text("No run fits.").wait_for()
        await one.page.evaluate(HIDE)
        await two.page.locator("#live[data-state=live]").wait_for()


async def test_hostile_texts_are_shown_and_do_nothing(store: Runs, api: Served, chromium: Browser) -> None:
    people = People(store.database)
    now = await store.database.value("SELECT now()")
    hostile = replace(
        wanted(0),
        phase=Wanted(HOSTILE),
        builder=HOSTILE[:300],
        facts=replace(FACTS, scheduler_id=HOSTILE, task_group_id=GROUP),
    )
    await store.add(hostile, HOSTILE)
    await people.swept(Swept(HOSTILE[:200], HOSTILE[:200], now, now, 3, HOSTILE))
    await people.bury(HOSTILE, HOSTILE, HOSTILE, HOSTILE.encode())
    async with tab(chromium, api.url, viewport={"width": 360, "height": 740}) as seen:
        for path in (
            "/",
            "/runs",
            f"/runs/{TASK}/0",
            f"/groups/{GROUP}",
            "/stuck",
            "/search?q=<script>alert(1)</script>",
        ):
            await seen.go(path)
            assert await seen.page.locator("main script").count() == 0, path
            wide = await seen.page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= 360, path
        await seen.go("/runs/%zz%3Cscript%3E/0")
        await seen.page.get_by_role("alert").get_by_text("taskId").wait_for()
        await seen.go(f"/runs/{TASK}/0")
        await seen.page.get_by_text("<script>alert(1)</script>").first.wait_for()
        assert [each for each in seen.wrong if "400" not in each] == []
