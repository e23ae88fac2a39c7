"""A task group before people's eyes: a live table on a terminal, lines elsewhere, and what came of it at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bridge.cli import printed
from bridge.core.group import Member
from bridge.submission.links import Links
from bridge.submission.progress import STUCK, Event, report

Show = Callable[[Sequence[Member], Sequence[Event]], None]
"""Shows the tasks as they are now, and what has happened since the last time."""
_COLOURS: Final = {"completed": "green", "failed": "red", "exception": "magenta", STUCK: "red", "running": "cyan"}
_OPEN: Final = ("unscheduled", "pending", "running")


def screen(links: Links, *, json: bool) -> AbstractContextManager[Show]:
    """Where the events go: with JSON as the answer, to standard error."""
    if not json and sys.stdout.isatty():
        return _terminal(links)
    return _lines(sys.stderr if json else sys.stdout)


@contextmanager
def _lines(out: TextIO) -> Iterator[Show]:
    def show(_: Sequence[Member], new: Sequence[Event]) -> None:
        out.writelines(f"{_line(event).plain}\n" for event in new)
        out.flush()

    yield show


@contextmanager
def _terminal(links: Links) -> Iterator[Show]:
    console = Console(highlight=False)
    with Live(console=console, transient=True, refresh_per_second=2) as live:

        def show(members: Sequence[Member], new: Sequence[Event]) -> None:
            rows = report("", members, links)["tasks"]
            live.update(_table([row for row in rows if row["state"] in _OPEN]))
            if new:
                console.print(Text("\n").join(map(_line, new)), soft_wrap=True)

        yield show


def _line(event: Event) -> Text:
    again = f" (run {event.run})" if event.run else ""
    line = Text(f"{event.at:%H:%M:%S}Z ")
    line.append(f"{event.state:<9}", style=_COLOURS.get(event.state, ""))
    return line.append(f" {event.name}{again}  {event.words}".rstrip())


def end(found: Mapping[str, Any]) -> None:
    """Print a report: the table, and where to read what went wrong."""
    printed.rich(_table(found["tasks"]))
    for row in found["tasks"]:
        if row["state"] in ("failed", "exception") and row["log"]:
            sys.stdout.write(f"log of {row['name']}: {row['log']}\n")
    sys.stdout.write(f"task group: {found['url']}\n")


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table()
    table.add_column("task", no_wrap=True, min_width=22)  # people copy it
    for name in ("state", "runs", "name"):
        table.add_column(name)
    for row in rows:
        state = Text(row["state"], style=_COLOURS.get(row["state"], ""))
        if row["state"] == "exception":
            state.append(f" ({row['reason']})")
        table.add_row(Text(row["taskId"], style=f"link {row['url']}"), state, str(row["runs"]), Text(row["name"]))
    return table
