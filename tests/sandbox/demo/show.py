"""How the demo is seen: a table that moves on a terminal, a line for each change elsewhere."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.sandbox.demo.graph import WISHES, Wish

COLOURS = {"completed": "green", "failed": "red", "exception": "magenta", "running": "yellow", "pending": "cyan"}
WIDE = 110
"""Columns of a terminal; on a narrower one the stories are left out, so that each task keeps its one line."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one task: its status, and the newest build of it."""

    status: Mapping[str, Any]
    build: str = ""

    @property
    def end(self) -> tuple[str, str | None]:
        runs = self.status.get("runs") or [{}]
        return self.status["state"], runs[-1].get("reasonResolved")

    @property
    def words(self) -> str:
        state, reason = self.end
        return state if reason in (None, state) else f"{state}: {reason}"

    @property
    def run(self) -> str:
        runs = self.status.get("runs")
        return str(len(runs) - 1) if runs else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The set-up, told line by line: what is ready, and after how long."""

    console: Console
    started: float

    def __call__(self, what: str) -> None:
        since = time.monotonic() - self.started
        self.console.print(f"  [green]✓[/] {since:5.1f} s  {escape(what)}", highlight=False)


def as_expected(wish: Wish, seen: Seen | None) -> bool:
    """Whether a task stands where it should end."""
    return seen is not None and seen.end == wish.ends and len(seen.status.get("runs") or []) == wish.runs


def table(seen: Mapping[str, Seen], seconds: float, width: int) -> Table:
    """All tasks as they are, a line for each."""
    right = sum(as_expected(wish, seen.get(wish.name)) for wish in WISHES)
    title = f"{right} of {len(WISHES)} tasks have ended as they should · {seconds:.0f} s"
    drawn = Table(title=title, title_justify="left", title_style="bold", expand=False)
    names = ("task", "in Taskcluster", "run", "in Buildbot", "what it shows")
    for name in names if width >= WIDE else names[:-1]:
        drawn.add_column(name, no_wrap=True)
    for wish in WISHES:
        drawn.add_row(*_cells(wish, seen.get(wish.name))[: len(drawn.columns)])
    return drawn


def _cells(wish: Wish, seen: Seen | None) -> list[str]:
    if seen is None:
        return [wish.name, "", "", "", wish.story]
    colour = COLOURS.get(seen.end[0], "white")
    mark = "[green]✓[/]" if as_expected(wish, seen) else " "
    return [wish.name, f"{mark} [{colour}]{seen.words}[/]", seen.run, seen.build, wish.story]


def changes(console: Console, before: Mapping[str, Seen], now: Mapping[str, Seen], seconds: float) -> None:
    """A line for each task that changed, for logs."""
    for name, seen in now.items():
        if name not in before or (before[name].words, before[name].run) != (seen.words, seen.run):
            run = f" (run {seen.run})" if seen.run else ""
            console.print(f"{seconds:6.1f} s  {name:16} {seen.words}{run} {seen.build}", highlight=False)


def life(console: Console, steps: Sequence[Mapping[str, Any]]) -> None:
    """Every change of phase of a task's runs, with the seconds since the first."""
    for step in steps:
        since = (step["at"] - steps[0]["at"]).total_seconds()
        moved = f"{step['from_phase'] or '·':>9} → {step['to_phase']:9}"
        line = f"{since:7.1f} s  run {step['run_id']}  {moved}  {step['because']}"
        console.print(line, highlight=False, markup=False, no_wrap=True, overflow="ellipsis")


def summary(console: Console, seen: Mapping[str, Seen], times: Mapping[str, float]) -> bool:
    """The end: whether all is as it should be, and how long everything took."""
    wrong = [wish for wish in WISHES if not as_expected(wish, seen.get(wish.name))]
    for wish in wrong:
        found = seen.get(wish.name)
        said = f"found {found.words} in {len(found.status['runs'])}" if found else "found nothing"
        console.print(f"[red]✗ {wish.name}[/]: expected {_expected(wish)}, {said}", highlight=False)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items())
    if not wrong:
        console.print(f"[bold green]✓ all {len(WISHES)} tasks ended as they should[/] ({parts})", highlight=False)
    else:
        console.print(
            f"[bold red]✗ {len(wrong)} of {len(WISHES)} tasks did not end as they should[/] ({parts})", highlight=False
        )
    return not wrong


def _expected(wish: Wish) -> str:
    state, reason = wish.ends
    return f"{state if reason in (None, state) else f'{state}: {reason}'} in {wish.runs} runs"
