"""The page's addresses: a document for each, the files it needs, and signing in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from importlib.resources import files
from pathlib import PurePath
from string import Template
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from aiohttp import web

from bridge.web.access import Access
from bridge.web.refusal import Refusal
from bridge.web.session import COOKIE, LASTS, Sessions
from bridge.web.shown import known, tag

_ASSETS: Final = files("bridge.web.page").joinpath("assets")
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing of elsewhere, nothing inline; and what would read a text as markup throws."""
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
}
_LONGEST: Final = 4096  # bytes of the form


class Page(NamedTuple):
    """A page: its address, its title, the module that fills it."""

    path: str
    title: str
    module: str


PAGES: Final = (
    Page("/", "Overview", "overview"),
    Page("/runs", "Runs", "runs"),
    Page("/runs/{taskId}/{runId}", "Run", "run"),
    Page("/groups/{taskGroupId}", "Task group", "group"),
    Page("/stuck", "Stuck runs", "stuck"),
    Page("/search", "Search", "search"),
)
LOST: Final = Page("/{lost:(?!api/).*}", "Nothing here", "lost")


class Asset(NamedTuple):
    body: bytes
    kind: str
    tag: str


@dataclass(frozen=True, slots=True)
class Site:
    """The page over the API in the same process."""

    access: Access
    sessions: Sessions

    def join(self, app: web.Application) -> None:
        """Add the page's routes."""
        assets = _assets()
        app.router.add_get("/assets/{name}", partial(_asset, assets), allow_head=False)
        app.router.add_post("/sign-out", _sign_out)
        for page in (*PAGES, LOST):
            app.router.add_get(page.path, partial(self._shown, page), allow_head=False)
            app.router.add_post(page.path, partial(self._sign_in, page))

    async def _shown(self, page: Page, request: web.Request) -> web.Response:
        no = self.access.refusal(request.headers, request.remote)
        if no is not None:
            return self._door(no)
        leave = _part("leave.html") if self.access.has_session(request.headers) else ""
        body = _filled("page.html", title=page.title, module=page.module, leave=leave)
        script = _filled("script.html", module=page.module)
        return _document(404 if page is LOST else 200, page.title, body, script)

    def _door(self, no: Refusal, wrong: str = "") -> web.Response:
        """Where a person signs in, at the address that was asked for; or why nobody can."""
        if no.status != 401 or not self.sessions.possible:
            shut = _filled("shut.html", message=escape(no.message), mend=escape(no.mend))
            return _document(no.status, "Not shown", shut)
        return _document(no.status, "Sign in", _filled("door.html", wrong=wrong))

    async def _sign_in(self, page: Page, request: web.Request) -> web.Response:
        no = self.access.refusal(request.headers, request.remote)
        if no is not None and no.status != 401:
            return self._door(no)
        begun = self.sessions.begun(await _given(request)) if _of_this_page(request) else None
        if begun is None:
            refused = no or Refusal(401, "NotAuthorized", "", "")
            return self._door(refused, _part("wrong.html"))
        # An address of nothing may begin as one of elsewhere does: //example.org.
        onward = "/" if page is LOST else request.rel_url.raw_path_qs
        response = web.Response(status=303, headers={"Location": onward})
        # Out of reach of scripts, and sent for a page of elsewhere only where a person follows a link from there, as from an
        # alert: nothing that a session may ask for changes anything.
        secure, age = _ciphered(request), int(LASTS.total_seconds())
        response.set_cookie(COOKIE, begun, max_age=age, httponly=True, samesite="Lax", secure=secure)
        return response


async def _sign_out(request: web.Request) -> web.Response:
    response = web.Response(status=303, headers={"Location": "/"})
    response.del_cookie(COOKIE, httponly=True, samesite="Lax", secure=_ciphered(request))
    return response


def _ciphered(request: web.Request) -> bool:
    """Whether the person's browser speaks TLS; where it does, it keeps the session for that alone."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def _of_this_page(request: web.Request) -> bool:
    """Whether the form was sent from here: no page of elsewhere shall sign somebody in."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


async def _given(request: web.Request) -> str:
    """The token in the form; empty if there is none."""
    if request.content_type != "application/x-www-form-urlencoded" or (request.content_length or 0) > _LONGEST:
        return ""
    sent = b""
    while len(sent) < _LONGEST and (more := await request.content.read(_LONGEST - len(sent))):  # it may come in pieces
        sent += more
    form = parse_qs(sent.decode(errors="replace"))
    return form.get("token", [""])[0].strip()


def _assets() -> Mapping[str, Asset]:
    """The files that pages name, in memory: they change with the program only."""
    found: dict[str, Asset] = {}
    for each in _ASSETS.iterdir():
        kind = _KINDS.get(PurePath(each.name).suffix)
        if kind is not None:
            body = each.read_bytes()
            found[each.name] = Asset(body, kind, tag(body))
    return found


async def _asset(assets: Mapping[str, Asset], request: web.Request) -> web.Response:
    asset = assets.get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    if known(request.headers.get("If-None-Match"), asset.tag):
        return web.Response(status=304, headers={"ETag": asset.tag})
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
    return web.Response(body=asset.body, content_type=asset.kind, charset="utf-8", headers=headers)


@cache
def _part(name: str) -> str:
    return _ASSETS.joinpath(name).read_text(encoding="utf-8")


def _filled(name: str, **values: str) -> str:
    """A part with what it leaves open; the values are markup, and none comes from a caller."""
    return Template(_part(name)).substitute(values)


def _document(status: int, title: str, body: str, script: str = "") -> web.Response:
    text = _filled("frame.html", title=title, script=script, body=body)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
