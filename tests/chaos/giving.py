"""Files that builds give away: whether each completed task has its own, whole."""

import hashlib
from typing import Final

import aiohttp

from tests.chaos.stream import Made
from tests.chaos.verdict import Finding
from tests.history.evidence import Evidence
from tests.sandbox.stack import Stack

BUILDER: Final = "gives"
NAME: Final = "public/build/out.bin"
BYTES: Final = 3_000_000


def digest(task: str) -> str:
    """SHA-256 of the file that the builder makes for a task: its taskId, line after line, as far as the length goes."""
    line = f"{task}\n".encode()
    return hashlib.sha256((line * (BYTES // len(line) + 1))[:BYTES]).hexdigest()


async def faults(stack: Stack, evidence: Evidence, made: dict[str, Made]) -> list[Finding]:
    """Completed tasks without their file, or with another one."""
    owing = [task for task in evidence.tasks if made[task].kind.builder == BUILDER and _completed(evidence, task)]
    found = {task: await _problem(stack, task) for task in owing}
    return [
        Finding("wrong_verdict", f"{task} completed, but {NAME} {words}", task) for task, words in found.items() if words
    ]


def _completed(evidence: Evidence, task: str) -> bool:
    runs = evidence.runs(task)
    return bool(runs) and runs[-1]["state"] == "completed"


async def _problem(stack: Stack, task: str) -> str | None:
    async with stack.http.get(f"{stack.root_url}/api/queue/v1/task/{task}/artifacts/{NAME}") as answer:
        if answer.status != 200:
            return f"answers {answer.status}"
        try:
            body = await answer.read()
        except aiohttp.ClientError as error:
            return f"breaks off: {error}"
    return None if hashlib.sha256(body).hexdigest() == digest(task) else f"is another one, of {len(body)} bytes"
