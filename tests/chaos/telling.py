"""A finding, told so that a person can see what happened: the history of its task on both sides, and the bridge's own word."""

import time
from typing import Final

from tests.chaos.round import Outcome
from tests.history.evidence import Evidence
from tests.sandbox.stack import Stack

TRANSITIONS: Final = "SELECT * FROM transitions WHERE task_id = $1 ORDER BY at"
AT_MOST: Final = 5


async def tell(stack: Stack, outcome: Outcome) -> None:
    """Print the findings of a round, each with the histories of its task."""
    for finding in outcome.findings:
        print(f"  {finding.wrong}: {finding.words}", flush=True)
    concerned = list(dict.fromkeys(finding.task for finding in outcome.findings if finding.task))
    for task in concerned[:AT_MOST]:
        print(f"  --- {task}, {outcome.made[task].kind.name}, {outcome.made[task].seconds:.1f} s")
        lines = [*_seen(outcome.evidence, task), *await _rows(stack, task)]
        for _, words in sorted(lines):
            print(f"      {words}", flush=True)


def _seen(evidence: Evidence, task: str) -> list[tuple[float, str]]:
    lines: list[tuple[float, str]] = []
    for each in evidence.history:
        if each["taskId"] == task:
            what = f"queue: run {each['runId']} {each['state']} ({each['reason']})"
            lines.append((each["unix"], f"{_clock(each['unix'])} {what}"))
    for call in evidence.calls:
        if call["taskId"] == task and "status" not in call["api"]:
            what = f"call: {call['api']} {call['runId']} {call.get('reason', '')} → {call['status']} (done {call['done']})"
            lines.append((call["unix"], f"{_clock(call['unix'])} {what}"))
    asked = [cancel for cancel in evidence.cancels or () if cancel.key.startswith(f"{task}/")]
    lines += [(cancel.unix, f"{_clock(cancel.unix)} plugin: cancel of {cancel.key}") for cancel in asked]
    for key, requests in evidence.requests.items():
        if key.startswith(f"{task}/"):
            lines += [(r["submitted_at"], f"{_clock(r['submitted_at'])} Buildbot: {key}: {r}") for r in requests]
    return lines


async def _rows(stack: Stack, task: str) -> list[tuple[float, str]]:
    lines: list[tuple[float, str]] = []
    for row in await stack.rows(TRANSITIONS, task):
        unix = row["at"].timestamp()
        words = f"row: run {row['run_id']} → {row['to_phase']}: {row['because']} [{row['who']}]"
        lines.append((unix, f"{_clock(unix)} {words}"))
    return lines


def _clock(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix)) + f".{int(unix % 1 * 1000):03}"
