"""`bbb import-builders`: reads a Buildbot's builders, and writes a kind file for them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiolimiter import AsyncLimiter

from bridge.buildbot.client import Buildbot
from bridge.buildbot.exchange import Exchange
from bridge.cli import printed
from bridge.cli.account import say
from bridge.cli.complaint import Complaint
from bridge.core.admission import shown
from bridge.migration.kind_file import kind_file
from bridge.migration.known import Known, known
from bridge.migration.sorting import Entry, Offered, Pool, Sorted, aliases, picked, sort
from bridge.settings import Settings

_CALLS_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class Import:
    """What is wished: the Buildbot's name (None: the only one), patterns of builders, and what is known already."""

    settings: Settings
    buildbot: str | None
    only: Sequence[str]
    kind: str
    missing_from: Path | None

    def carry_out(self, out: Path | None, *, force: bool, json: bool) -> None:
        """Print the kind file, or write it to `out`; as JSON the builders. Raises `Complaint` and the faults."""
        name = _chosen(self.settings, self.buildbot)
        pools = _pools(self.settings, name)
        before = _known(self.missing_from) if self.missing_from is not None else Known()
        found = sort(self._wanted(asyncio.run(_offered(self.settings, name)), name, before), pools, before.tasks)
        if json:
            printed.as_json(_report(name, found))
            return
        for sentence in found.refused.values():
            say(f"left out: {sentence}")
        _give(kind_file(self.kind, found, aliases(pools), name), out, force=force)
        if out is not None:
            say(f"{len(found.entries)} builders are in {out}; its first lines say what config.yml needs")

    def _wanted(self, offered: Sequence[Offered], name: str, before: Known) -> list[Offered]:
        if not offered:
            raise Complaint(
                f"buildbot {name} opens no builder to the bridge: see `builders` of TaskclusterBridge in master.cfg"
            )
        if not (chosen := picked(offered, self.only)):
            raise Complaint(
                f"--only: no builder matches; buildbot {name} opens {', '.join(shown(each.name) for each in offered)}"
            )
        return [each for each in chosen if not before.has(each.name)]


def _chosen(settings: Settings, asked: str | None) -> str:
    names = sorted(settings.buildbots)
    if asked is None and len(names) == 1:
        return names[0]
    if asked not in names:
        said = "there are several" if asked is None else f"there is no [buildbots.{asked}]"
        raise Complaint(f"--buildbot: {said}; name one of {', '.join(names)}")
    return asked


def _pools(settings: Settings, buildbot: str) -> list[Pool]:
    served = {name: pool for name, pool in settings.pools.items() if pool.buildbot == buildbot}
    if not served:
        raise Complaint(
            f'buildbots.{buildbot} is used by no pool, so no task could reach it. Give a pool buildbot = "{buildbot}"'
        )
    return [Pool(name, pool.task_queue, pool.policy()) for name, pool in served.items()]


async def _offered(settings: Settings, name: str) -> list[Offered]:
    section = settings.buildbots[name]
    limiter = AsyncLimiter(_CALLS_PER_SECOND, 1)
    async with aiohttp.ClientSession() as session:
        client = Buildbot(Exchange(session, section.url, section.bearer, limiter, timeout=section.timeout))
        return [Offered(each.name, each.connected_workers) for each in await client.builders()]


def _known(place: Path) -> Known:
    """What a kind file, or all below a directory, know."""
    files = sorted(each for each in place.rglob("*.yml")) if place.is_dir() else [place]
    found = Known()
    for file in files:
        found |= known(_whole(_read(file), file.parent), str(file))
    return found


def _whole(kind: object, beside: Path) -> object:
    """The kind with its graph, if that stands in a file of its own."""
    name = kind.get("builders-graph") if isinstance(kind, dict) else None
    return {**kind, "builders-graph": _read(beside / name)} if isinstance(kind, dict) and isinstance(name, str) else kind


def _read(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Complaint(f"--missing-from: {file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the latter for bad dates and text, and endless nesting
        raise Complaint(f"--missing-from: {file} is not YAML: {' '.join(str(error).split())}") from None


def _give(text: str, out: Path | None, *, force: bool) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Complaint(
            f"--out: {out} is there already. Print what it lacks with --missing-from {out}, or replace it with --force"
        ) from None
    except OSError as error:
        raise Complaint(f"--out: {out} cannot be written: {error.strerror}") from None


def _report(buildbot: str, found: Sorted) -> dict[str, Any]:
    refused = [{"builder": name, "why": why} for name, why in found.refused.items()]
    return {"buildbot": buildbot, "builders": list(map(_row, found.entries)), "refused": refused}


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "builder": entry.builder.name,
        "task": entry.task,
        "worker_type": entry.worker_type,
        "connected_workers": entry.builder.workers,
        "notes": list(entry.notes),
    }
