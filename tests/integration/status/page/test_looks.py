"""Every page, in both schemes and on a phone: filled, without errors, for everybody, and within its width."""

from importlib.resources import files

import pytest
from playwright.async_api import Browser

from bridge.store.runs import Runs
from bridge.web.page.site import POLICY
from tests.integration.status.page import town
from tests.integration.status.serving import Served
from tests.sandbox.browser import PHONE, Tab, tab

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
ADDRESSES = {
    "overview": ("/", "Healthy, with something to look at"),
    "runs": ("/runs", town.BUILDING),
    "filtered": ("/runs?phase=building&builder=linux64-*&pool=linux&limit=5", "Older"),
    "run": (f"/runs/{town.BUILDING}/0", "renew the claim"),
    "group": (f"/groups/{town.GROUP}", "What depends on what could not be read"),
    "stuck": ("/stuck", "The builder has as many waiting build requests"),
    "search": ("/search?q=linux64-o", "For builders whose names begin so"),
    "lost": ("/nothing/here", "There is no page at this address"),
}
SERIOUS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
    ({id, impact, nodes}) => `${impact} ${id}: ${nodes.slice(0, 3).map(({html}) => html).join(' | ')}`)"""
WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
REACHED = """() => { const at = document.activeElement; return [at.nodeName, at.getAttribute('href') ?? at.getAttribute('name') ?? at.className,
    getComputedStyle(at).outlineStyle] }"""


async def complaints(seen: Tab) -> list[str]:
    """What axe finds wrong on the page; nothing is too small."""
    await seen.page.evaluate(AXE)
    found: list[str] = await seen.page.evaluate(SERIOUS)
    return found


async def no_errors(seen: Tab, *expected: str) -> None:
    """Nothing went wrong but what has to."""
    assert [each for each in seen.wrong if not any(words in each for words in expected)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_filled_and_shuts_nobody_out(store: Runs, api: Served, chromium: Browser, scheme: str) -> None:
    await town.settle(store)
    async with tab(chromium, api.url, color_scheme=scheme) as seen:
        for name, (path, words) in ADDRESSES.items():
            await seen.go(path)
            await seen.page.get_by_text(words).first.wait_for()
            assert await complaints(seen) == [], name
            assert await seen.page.locator("h1").count() == 1
        await no_errors(seen, "404")


async def test_what_shuts_somebody_out_would_be_found(api: Served, chromium: Browser) -> None:
    async with tab(chromium, api.url) as seen:
        await seen.go("/")
        await seen.page.evaluate(
            "() => document.querySelector('main').append(document.createElement('img'), document.createElement('input'))"
        )
        assert {each.split()[1] for each in await complaints(seen)} == {"image-alt:", "label:"}


async def test_no_page_is_wider_than_a_phone(store: Runs, api: Served, chromium: Browser) -> None:
    await town.settle(store)
    async with tab(chromium, api.url, viewport=PHONE, has_touch=True, is_mobile=True) as seen:
        for name, (path, words) in ADDRESSES.items():
            await seen.go(path)
            await seen.page.get_by_text(words).first.wait_for()
            wide, screen = await seen.page.evaluate(WIDTH)
            assert wide <= screen == PHONE["width"], name
            assert await complaints(seen) == [], name


async def test_all_that_can_be_followed_is_reached_with_the_keyboard_and_seen(
    store: Runs, api: Served, chromium: Browser
) -> None:
    await town.settle(store)
    async with tab(chromium, api.url) as seen:
        await seen.go("/")
        reached = set()
        for _ in range(60):
            await seen.page.keyboard.press("Tab")
            kind, name, outline = await seen.page.evaluate(REACHED)
            if kind == "BODY":
                break
            assert outline != "none", (kind, name)
            reached.add(name)
        assert {"#main", "/", "/runs", "/stuck", "q", "/runs?phase=building", "/runs?pool=linux"} <= reached
        await seen.page.keyboard.press("/")
        await seen.page.keyboard.type(town.BUILDING)
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url(f"**/runs/{town.BUILDING}/0")


async def test_the_filters_stand_in_the_address_and_pages_follow_each_other(
    store: Runs, api: Served, chromium: Browser
) -> None:
    await town.settle(store)
    async with tab(chromium, api.url) as seen:
        await seen.go("/runs")
        await seen.page.get_by_label("settled", exact=True).check()
        await seen.page.get_by_role("textbox", name="Builder").fill(" linux64-debug ")
        await seen.page.get_by_role("button", name="Show").click()
        await seen.page.wait_for_url("**/runs?phase=settled&builder=linux64-debug")
        await seen.filled()
        rows = seen.page.locator("tbody tr")
        assert await rows.count() == 100
        assert await seen.page.get_by_label("settled", exact=True).is_checked()
        await seen.go("/runs?phase=settled&builder=linux64-debug&limit=30")
        first = await rows.first.inner_text()
        await seen.page.get_by_role("link", name="Older").click()
        await seen.page.wait_for_url("**limit=30&continuationToken=*")
        await seen.filled()
        assert await rows.first.inner_text() != first
        await seen.page.go_back()
        await seen.filled()
        assert (await rows.first.inner_text()).split()[0] == first.split()[0]
        await seen.go("/runs?taskId=short")
        assert "taskId" in await seen.page.get_by_role("alert").inner_text()
        await no_errors(seen, "400")


async def test_nothing_inline_and_nothing_of_elsewhere_is_allowed(api: Served, chromium: Browser) -> None:
    async with api.http.get(f"{api.url}/") as answer:
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert "unsafe" not in POLICY
        text = await answer.text()
        assert " style=" not in text
        assert " on" not in text.partition("<body")[2].replace(" on a terminal", "").replace(" On a terminal", "")
    async with tab(chromium, api.url) as seen:
        await seen.go("/")
        tried = "() => { try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (error) { return error.name } }"
        assert await seen.page.evaluate(tried) == "TypeError"
        assert {url.removeprefix(api.url).split("/")[1] for _, url in seen.answers} == {"", "assets", "api"}


async def test_files_that_are_known_are_not_sent_again(api: Served) -> None:
    async with api.http.get(f"{api.url}/assets/overview.js") as first:
        tag, kind = first.headers["ETag"], first.headers["Content-Type"]
    assert kind == "text/javascript; charset=utf-8"
    async with api.http.get(f"{api.url}/assets/overview.js", headers={"If-None-Match": tag}) as again:
        assert (again.status, await again.read()) == (304, b"")
    for name in ("page.html", "..%2Fsite.py", "nothing.js"):
        async with api.http.get(f"{api.url}/assets/{name}") as missing:
            assert missing.status == 404
