"""The name of a run by its number, and back."""

ROW = "lpad(n::text, 8, '0') || 'QAC0000000000A'"
"""The name in SQL, for a column `n`."""


def task_of(number: int) -> str:
    return f"{number:08d}QAC0000000000A"


def number_of(task: str) -> int:
    return int(task[:8])
