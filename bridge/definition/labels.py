"""What stands for a builder in a task's label."""

from __future__ import annotations

import re


def task_name(builder: str) -> str:
    """The name of a builder's task, the same in all projects: each run of other characters is a hyphen. May be empty."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", builder.replace("{project}", " ")).strip("-")
