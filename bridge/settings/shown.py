"""The settings for people: as they are in force, secrets masked, and advice on what is allowed but unwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from bridge.settings.secret import MASK
from bridge.settings.settings import Settings

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as JSON values; secrets are masked, files of secrets are named."""
    masked: dict[str, Any] = _masked(settings.model_dump(mode="json", exclude_none=True))
    return masked


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {key: _masked(item) for key, item in value.items()}
        case str() if value == "**********":  # what pydantic shows of a secret
            return MASK
        case _:
            return value


def advice(settings: Settings) -> Iterator[str]:
    """What is allowed but likely not meant, each with what to do."""
    for name, secret in settings.secrets():
        if secret.open_to_others():
            yield f"{name}_file: every account of this machine can read {secret.file}. Run: chmod o-r {secret.file}"
    for name, buildbot in settings.buildbots.items():
        if buildbot.url.startswith("http:") and urlsplit(buildbot.url).hostname not in _LOOPBACK:
            yield f"buildbots.{name}.url: the token goes over the network in the clear. Use https."
        if name not in {pool.buildbot for pool in settings.pools.values()}:
            yield f'buildbots.{name} is used by no pool. Give a pool buildbot = "{name}", or remove it.'
    for name, pool in settings.pools.items():
        if not pool.builders:
            yield f'pools.{name}.builders is empty, so every task is refused. Allow some: builders = ["linux64-*"]'
    if settings.web.host not in _LOOPBACK:
        yield f"web.host is {settings.web.host}: health, metrics and status are open to whoever reaches that address."
