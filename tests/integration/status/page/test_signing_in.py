"""A person with a browser and no header to send: the form, the session, and what it opens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser
from yarl import URL

from bridge.store.runs import Runs
from bridge.web.session import COOKIE
from tests.integration.status.page import town
from tests.integration.status.page.test_looks import complaints
from tests.integration.status.serving import serving
from tests.integration.store.rows import wanted
from tests.sandbox.browser import tab

TOKEN, OTHER = "a-token-of-thirty-two-characters!", "another-token-of-just-such-a-size"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_person_signs_in_where_the_link_led_and_stays_so(
    store: Runs, postgres_dsn: str, tmp_path: Path, chromium: Browser, scheme: str
) -> None:
    await town.settle(store)
    async with serving(postgres_dsn, tmp_path, read_token=TOKEN) as api, tab(chromium, api.url, color_scheme=scheme) as seen:
        address = f"{api.url}/runs?phase=building&limit=7"
        await seen.page.goto(address)
        assert await complaints(seen) == []
        assert "linux64" not in await seen.page.content()
        await seen.page.get_by_label("Token").fill("wrong")
        await seen.page.keyboard.press("Enter")
        assert "not the token" in await seen.page.get_by_role("alert").inner_text()
        assert await complaints(seen) == []
        assert await seen.page.context.cookies() == []
        await seen.page.get_by_label("Token").fill(TOKEN)
        await seen.page.get_by_role("button", name="Sign in").click()
        await seen.page.wait_for_url(address)
        await seen.filled()
        assert await seen.page.locator("tbody tr").count() == 7
        await seen.page.locator("#live[data-state=live]").wait_for()
        (kept,) = await seen.page.context.cookies()
        assert (kept["name"], kept["httpOnly"], kept["sameSite"], kept["path"]) == (COOKIE, True, "Lax", "/")
        assert TOKEN not in kept["value"]
        assert not [url for _, url in seen.answers if TOKEN in url]
        await seen.go("/stuck")
        await seen.page.get_by_role("button", name="Sign out").click()
        await seen.page.get_by_label("Token").wait_for()
        assert await seen.page.context.cookies() == []


async def test_a_page_that_is_open_asks_anew_when_its_token_is_exchanged(
    store: Runs, postgres_dsn: str, tmp_path: Path, chromium: Browser
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    async with serving(postgres_dsn, tmp_path, read_token_file=str(file)) as api, tab(chromium, api.url) as seen:
        await seen.page.goto(f"{api.url}/runs")
        await seen.page.get_by_label("Token").fill(TOKEN)
        await seen.page.keyboard.press("Enter")
        await seen.filled()
        await seen.page.locator("#live[data-state=live]").wait_for()
        file.write_text(OTHER)
        await store.insert([wanted(0)])
        await seen.page.get_by_label("Token").wait_for()
        assert seen.page.url == f"{api.url}/runs"


async def begun(api: aiohttp.ClientSession, url: str, token: str, **headers: str) -> tuple[int, str]:
    """Send the form: the status, and what a browser would keep."""
    async with api.post(url, data={"token": token}, headers=headers, allow_redirects=False) as answer:
        kept = answer.cookies.get(COOKIE)
        return answer.status, kept.value if kept else ""


async def test_a_form_may_come_in_pieces(postgres_dsn: str, tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for letter in f"token={TOKEN}":
            yield letter.encode()
            await asyncio.sleep(0)

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with (
        serving(postgres_dsn, tmp_path, read_token=TOKEN) as api,
        api.http.post(f"{api.url}/", data=pieces(), headers=form, allow_redirects=False) as answer,
    ):
        assert answer.status == 303


async def test_a_session_is_for_reading_and_for_nobody_else(postgres_dsn: str, tmp_path: Path) -> None:
    async with serving(postgres_dsn, tmp_path, read_token=TOKEN) as api, aiohttp.ClientSession() as http:
        url = f"{api.url}/runs?limit=7"
        assert await begun(http, url, OTHER) == (401, "")
        assert await begun(http, url, "") == (401, "")
        assert await begun(http, url, TOKEN, **{"Sec-Fetch-Site": "cross-site"}) == (401, "")
        assert await begun(http, url, "x" * 10_000) == (401, "")
        for lost in ("/nothing", "//evil.example.org/x"):
            async with http.post(
                URL(f"{api.url}{lost}", encoded=True), data={"token": TOKEN}, allow_redirects=False
            ) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/")
        async with http.post(url, json={"token": TOKEN}) as answer:
            assert answer.status == 401
        async with http.post(url, data={"token": TOKEN}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/runs?limit=7")
            said = answer.headers["Set-Cookie"]
        assert "HttpOnly" in said
        assert "SameSite=Lax" in said
        assert "Secure" not in said
        kept = said.partition(";")[0].partition("=")[2]
        async with http.post(
            url, data={"token": TOKEN}, headers={"X-Forwarded-Proto": "https"}, allow_redirects=False
        ) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]
        for cookie, status in {
            f"{COOKIE}={kept}": 200,
            f"a=b; {COOKIE}={kept}; c=d": 200,
            f"{COOKIE}={kept}x": 401,
            f"{COOKIE}={TOKEN}": 401,
            f"{COOKIE}=9{kept}": 401,
            f"other={kept}": 401,
            "": 401,
        }.items():
            assert (await api.get("runs", headers={"Cookie": cookie})).status == status, cookie
        refused = await api.get("runs", method="POST", headers={"Cookie": f"{COOKIE}={kept}"})
        assert refused.status == 405


async def test_where_nobody_can_sign_in_the_page_says_so(postgres_dsn: str, tmp_path: Path, chromium: Browser) -> None:
    async with serving(postgres_dsn, tmp_path, proxy_header="X-User", proxy_secret=TOKEN) as api:
        async with tab(chromium, api.url) as seen:
            await seen.page.goto(f"{api.url}/")
            assert await seen.page.get_by_label("Token").count() == 0
            assert "token" in await seen.page.locator("main").inner_text()
            assert await complaints(seen) == []
        through = {"X-User": "me", "X-Bridge-Proxy-Secret": TOKEN}
        async with tab(chromium, api.url, extra_http_headers=through) as seen:
            await seen.go("/")
            await seen.page.locator(".health[data-state]").wait_for()
            assert await seen.page.get_by_role("button", name="Sign out").count() == 0
    elsewhere = {"Host": "evil.example.org"}
    async with serving(postgres_dsn, tmp_path) as api, api.http.get(f"{api.url}/", headers=elsewhere) as answer:
        assert (answer.status, "allowed_hosts" in await answer.text()) == (403, True)
