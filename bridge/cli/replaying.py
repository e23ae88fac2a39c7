"""Scenarios played, for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bridge.cli.complaint import Complaint
from bridge.scenario import Played, Scenario, ScenarioError, library, named, parse, play, read, schema
from bridge.scenario.spans import words
from bridge.scenario.telling import BEGINNING, OF_TASKS, Note

__all__ = ["replayed", "schema", "shipped"]


def shipped() -> tuple[list[dict[str, Any]], Table]:
    """The scenarios that come with the bridge."""
    table = Table("name", "ids", "title", "on real servers")
    data: list[dict[str, Any]] = []
    for name, each in library().items():
        real = "yes" if each.stack is True else f"no: {each.stack}"
        table.add_row(name, " ".join(each.ids), escape(each.title), escape(real))
        data.append({"name": name, "ids": list(each.ids), "title": each.title, "stack": each.stack})
    return data, table


def replayed(names: Sequence[str]) -> tuple[list[dict[str, Any]], RenderableType, bool]:
    """Play these files and shipped scenarios; one alone is shown step by step. Whether all went as they expect."""
    chosen = [each for name in names for each in _chosen(name)]
    if not chosen:
        raise Complaint("name a scenario file, or one of those that `bbb replay --list` shows")
    played = [(name, play(scenario)) for name, scenario in chosen]
    shown = [_told(played[0][1])] if len(played) == 1 else []
    outcomes = [_outcome(name, each) for name, each in played]
    return [_data(name, each) for name, each in played], Group(*shown, *outcomes), not any(e.differences for _, e in played)


def _chosen(name: str) -> list[tuple[str, Scenario]]:
    try:
        return _found(name)
    except ScenarioError as error:
        raise Complaint(str(error)) from None


def _found(name: str) -> list[tuple[str, Scenario]]:
    if name == "-":
        return [("standard input", parse(sys.stdin.read(), "on standard input"))]
    path = Path(name)
    if path.exists() or path.suffix in (".yml", ".yaml") or "/" in name:
        return [(name, read(path))]
    if found := named(name):
        return found
    raise Complaint(f"{name!r} is no file, and no name or id of a scenario that `bbb replay --list` shows")


def _outcome(name: str, played: Played) -> Text:
    if not played.differences:
        return Text(f"{name}: {played.scenario.title}: as expected, over {words(played.lasted)}")
    wrong = "\n".join(f"  - {each}" for each in played.differences)
    return Text(f"{name}: {played.scenario.title}: NOT as expected:\n{wrong}", "bold")


def _told(played: Played) -> Table:
    """All that happened, a line for each."""
    table = Table("time", "run", "what", "phase", "answer", "owes then", title=escape(played.scenario.title))
    for note in played.notes:
        at = words(note.at - BEGINNING)
        table.add_row(at, _run(note, played), escape(_what(note)), _phase(note), escape(note.answer or ""), _owed(note))
    return table


def _run(note: Note, played: Played) -> str:
    if note.key is None:
        return ""
    task = f"{played.names.get(note.key.task_id, note.key.task_id)}/" if len(played.tasks) > 1 else ""
    return task.rstrip("/") if note.what in OF_TASKS else f"{task}{note.key.run_id}"


def _what(note: Note) -> str:
    return {"call": f"→ {note.what}", "alarm": f"ALARM {note.what}", "trouble": f"! {note.what}"}.get(note.kind, note.what)


def _phase(note: Note) -> str:
    return f"{note.before or '·'} → {note.after}" if note.kind == "phase" else ""


def _owed(note: Note) -> str:
    return "\n".join(f"{debt.what} {_when(debt.when, note)}" for debt in note.owed)


def _when(when: Any, note: Note) -> str:
    return "now" if when <= note.at else f"at {words(when - BEGINNING)}"


def _data(name: str, played: Played) -> dict[str, Any]:
    return {
        "name": name,
        "title": played.scenario.title,
        "good": not played.differences,
        "differences": list(played.differences),
        "tasks": {task: _plain(asdict(seen)) for task, seen in played.tasks.items()},
        "notes": [_note(note, played) for note in played.notes],
    }


def _plain(seen: dict[str, Any]) -> dict[str, Any]:
    return {**seen, "reads": sorted(seen["reads"])}


def _note(note: Note, played: Played) -> dict[str, Any]:
    """A note with times as seconds from the beginning."""
    values: dict[str, Any] = {"at": (note.at - BEGINNING).total_seconds(), "kind": note.kind, "what": note.what}
    if note.key is not None:
        values |= {"task": played.names.get(note.key.task_id, note.key.task_id), "run": note.key.run_id}
    values |= {name: getattr(note, name) for name in ("before", "after", "answer") if getattr(note, name) is not None}
    if note.kind == "phase":
        values["owed"] = [{"what": debt.what, "at": (debt.when - BEGINNING).total_seconds()} for debt in note.owed]
    return values
