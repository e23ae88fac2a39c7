"""A real Chromium, without a window and without any network but this machine's."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright

from tests.sandbox.backend import NoServerError

_QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<local>;127.0.0.1"),
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@asynccontextmanager
async def opened() -> AsyncIterator[Browser]:
    """The browser, while inside; raises NoServerError where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if program is None:
        raise NoServerError(
            "there is no Chromium to look at the status page with. Install it:\n  ./dev setup    (as root or with sudo: apt-get install --no-install-recommends chromium)"
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*_QUIET], timeout=60_000)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Tab:
    """A tab, and what went wrong in it: errors of scripts, refusals by the policy, calls of other hosts."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Go to an address of the page, and wait until it is filled."""
        await self.page.goto(f"{self.url}{path}")
        await self.filled()

    async def filled(self) -> None:
        """Wait until the page shows what it asked for."""
        await self.page.wait_for_selector("#content:not([aria-busy])", state="attached")

    def watch(self) -> None:
        """Note what goes wrong from now on."""
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda asked: self._asked(asked.url))
        self.page.on("response", lambda given: self.answers.append((given.status, given.url)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))

    def _asked(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.url).netloc:
            self.wrong.append(f"asked {url}")


@asynccontextmanager
async def tab(browser: Browser, url: str, **more: Any) -> AsyncIterator[Tab]:
    """A tab of a person of its own, with nothing kept from before."""
    context = await browser.new_context(**{"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", **more})
    context.set_default_timeout(30_000)
    try:
        seen = Tab(await context.new_page(), url)
        seen.watch()
        yield seen
    finally:
        await context.close()
