"""The findings, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from bridge.doctor.finding import Finding, Level

_STYLE = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILURE: "bold red"}


def failed(findings: Sequence[Finding]) -> bool:
    """Whether there is a failure."""
    return any(finding.level is Level.FAILURE for finding in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """All findings, and how many of each level."""
    return {
        "ok": not failed(findings),
        "counts": {level.value: sum(finding.level is level for finding in findings) for level in Level},
        "findings": [asdict(finding) for finding in findings],
    }


def as_table(findings: Sequence[Finding]) -> Table:
    """A row for each finding, the remedy below what was found."""
    table = Table("", "what", "found", show_lines=True)
    for finding in findings:
        remedy = f"\n[bold]→ {escape(finding.remedy)}[/bold]" if finding.remedy else ""
        style = _STYLE[finding.level]
        table.add_row(f"[{style}]{finding.level.value}[/{style}]", escape(finding.subject), escape(finding.found) + remedy)
    return table
