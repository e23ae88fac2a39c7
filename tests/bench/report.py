"""What was measured, as values, as a table for people, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.samples import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `goal` is what is hoped for, `bound` what must hold; `high` and `low` are the ends of its interval.

    An exact figure has `exact`, and must equal it.
    """

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    exact: float | None = None
    goal: float | None = None
    bound: float | None = None
    note: str = ""

    @property
    def broken(self) -> bool:
        """Whether it differs from what it must equal, or lies beyond its bound by more than its noise."""
        if self.exact is not None and self.value != self.exact:
            return True
        least = self.value if self.low is None else self.low
        return self.bound is not None and least > self.bound

    @property
    def missed(self) -> bool:
        """Whether the goal is missed by the middle value."""
        return self.goal is not None and self.value > self.goal

    @property
    def verdict(self) -> str:
        if self.broken:
            return "BROKEN"
        return "missed" if self.missed else "ok" if (self.exact, self.goal, self.bound) != (None, None, None) else ""


def ratio_of(name: str, found: Interval, *, goal: float | None = None, bound: float | None = None, note: str = "") -> Figure:
    """A ratio with its interval."""
    return Figure(name, found.middle, "×", found.low, found.high, goal=goal, bound=bound, note=note)


@dataclass(slots=True)
class Part:
    """One subject, and under which conditions it was measured."""

    name: str
    title: str
    conditions: str = ""
    figures: list[Figure] = field(default_factory=list)
    plots: dict[str, list[str]] = field(default_factory=dict)
    """Lines of text by what they show."""

    def add(self, name: str, value: float, unit: str, **more: Any) -> None:
        self.figures.append(Figure(name, value, unit, **more))


def show(part: Part) -> None:
    """The part as a table."""
    table = Table(title=f"{part.title}\n{part.conditions}", title_justify="left", title_style="bold")
    for column, justify in (
        ("figure", "left"),
        ("value", "right"),
        ("unit", "left"),
        ("95 %", "right"),
        ("exact", "right"),
        ("goal", "right"),
        ("bound", "right"),
        ("", "left"),
        ("note", "left"),
    ):
        table.add_column(column, justify=justify)
    for each in part.figures:
        between = f"{_number(each.low)} to {_number(each.high)}" if each.low is not None else ""
        colour = {"BROKEN": "red", "missed": "yellow"}.get(each.verdict)
        numbers = (_number(each.value), each.unit, between, *map(_number, (each.exact, each.goal, each.bound)))
        table.add_row(each.name, *numbers, each.verdict, each.note, style=colour)
    console = Console(width=170)
    console.print(table)
    for title, lines in part.plots.items():
        console.print(title, *lines, sep="\n", highlight=False)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if (value == int(value) and abs(value) < 1e9) or abs(value) >= 1000 else f"{value:.3g}"


def document(parts: Sequence[Part], conditions: dict[str, Any]) -> str:
    """Everything, as JSON."""
    told = [
        {**asdict(part), "figures": [asdict(each) | {"verdict": each.verdict} for each in part.figures]} for part in parts
    ]
    return json.dumps({"conditions": conditions, "parts": told}, indent=1)


def summary(parts: Sequence[Part], seconds: float) -> dict[str, Any]:
    """What the last line says."""
    figures = [(part.name, each) for part in parts for each in part.figures]
    return {
        "parts": [part.name for part in parts],
        "figures": len(figures),
        "broken": [f"{part}: {each.name} is {each.value:.4g}" for part, each in figures if each.broken],
        "missed": [f"{part}: {each.name} is {each.value:.4g}" for part, each in figures if each.missed and not each.broken],
        "seconds": round(seconds),
    }
