"""What people look for in many runs: lists, what is stuck, what happened. The same answers as the status API's."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from rich.console import Group
from rich.table import Table
from rich.text import Text

from bridge import assembly, logs
from bridge.cli import printed
from bridge.cli.complaint import Complaint
from bridge.cli.reading import named
from bridge.cli.web import desk, shown
from bridge.metrics import Metrics
from bridge.settings import Settings
from bridge.status import answers, asked
from bridge.status.desk import Desk, UnknownError
from bridge.status.tokens import TokenError
from bridge.store.checkup import refusals_in_words
from bridge.telling import Telling
from bridge.web import refusal
from bridge.web.health import release
from bridge.web.shown import Shown

Said = tuple[dict[str, Any], Group]


@asynccontextmanager
async def _opened(settings: Settings, name: str) -> AsyncIterator[tuple[Desk, Shown]]:
    """A desk; what goes wrong with the question is one message."""
    logs.configure("auto", "error", settings.secret_texts, stream=sys.stderr, service=name)
    metrics = Metrics(name, release())
    try:
        with refusals_in_words():
            async with assembly.opened(settings, name, Telling(metrics), metrics.call, read_only=True) as house:
                await house.clock.ask(house.database)
                yield desk(house), shown(settings)
    except (ValidationError, TokenError, UnknownError) as trouble:
        no = refusal.of(trouble, ())
        raise Complaint(no.message if no else str(trouble)) from None


async def runs(settings: Settings, which: dict[str, Any]) -> Said:
    """The runs asked for, newest first: as many as the limit says, over as many pages as that takes."""
    async with _opened(settings, "bbb runs") as (asks, masked):
        question = asked.Runs.model_validate({name: value for name, value in which.items() if value is not None})
        page = await asks.runs(question)
        found, newer = list(page.runs), page.newer
        while page.continuation_token and len(found) < question.limit:
            left = {"limit": question.limit - len(found), "continuation_token": page.continuation_token}
            page = await asks.runs(question.model_copy(update=left))
            found, newer = [*found, *page.runs], newer + page.newer
        whole = answers.RunList(runs=found, newer=newer, continuation_token=page.continuation_token)
        return masked.data(whole), _table_of_runs(whole)


def _table_of_runs(page: answers.RunList) -> Group:
    table = Table("run", "pool", "phase", "builder", "request", "build", "since", "what")
    for run in page.runs:
        numbers = ("" if number is None else str(number) for number in (run.request_id, run.build_id))
        what = run.held or run.reason or run.verdict or run.outcome or ""
        stuck = f"stuck: {', '.join(run.stuck)}" if run.stuck else ""
        words = "; ".join(each for each in (stuck, what.partition("\n")[0]) if each)
        key, builder = f"{run.task_id}/{run.run_id}", printed.safe(run.builder or "")
        table.add_row(key, run.pool, run.phase, builder, *numbers, _moment(run.created_at), printed.safe(words))
    return Group(table, *_more(page.continuation_token, page.newer))


def _more(token: str | None, newer: int) -> Sequence[Text]:
    lines = [f"there are more: --token {token}"] if token else []
    lines += [f"{newer} rows were written by a newer version and are left out"] if newer else []
    return [Text(line) for line in lines]


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


async def stuck(settings: Settings, limit: int) -> Said:
    """The runs that are stuck, why, and what to do."""
    async with _opened(settings, "bbb stuck") as (asks, masked):
        question = asked.Paged.model_validate({"limit": limit})
        page = await asks.stuck(question)
        found, newer = list(page.stuck), page.newer
        while page.continuation_token and len(found) < limit:
            page = await asks.stuck(asked.Paged(limit=limit - len(found), continuation_token=page.continuation_token))
            found, newer = [*found, *page.stuck], newer + page.newer
        whole = answers.Stuck(stuck=found, newer=newer, continuation_token=page.continuation_token)
        return masked.data(whole), _table_of_stuck(whole)


def _table_of_stuck(page: answers.Stuck) -> Group:
    if not page.stuck:
        return Group(Text("nothing is stuck"), *_more(None, page.newer))
    table = Table("run", "phase", "since", "what", "what to do", show_lines=True)
    for each in page.stuck:
        key = f"{each.run.task_id}/{each.run.run_id}"
        for finding in each.findings:
            detail = f" ({finding.detail})" if finding.detail else ""
            what = printed.safe(f"{finding.what}{detail}")
            table.add_row(key, each.run.phase, _moment(finding.since), what, printed.safe(finding.mend))
            key = ""
    return Group(table, *_more(None, page.newer))


async def trace(settings: Settings, task: str) -> Said:
    """All that happened to a task, on both sides, in the order of time."""
    async with _opened(settings, "bbb trace") as (asks, masked):
        whole = await asks.trace(asked.OfTask(task_id=named(task, None)[0]))
        return masked.data(whole), _timeline(whole)


def _timeline(whole: answers.Trace) -> Group:
    table = Table("at", "side", "run", "what", title=f"task {whole.task_id}")
    for each in whole.happenings:
        table.add_row(_moment(each.at), each.side, "" if each.run_id is None else str(each.run_id), printed.safe(each.what))
    return Group(table, *(Text.from_markup(f"not read: {printed.safe(error)}") for error in whole.errors))
