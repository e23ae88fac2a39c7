"""What can be seen of a task on real servers, in the form in which plays of scenarios are judged."""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace

from bridge.core.verdict import Results
from bridge.scenario.document import Expected
from bridge.scenario.judging import SeenRun, Witness
from tests.acceptance.scene import Json, Scene

_OFTEN = "reclaimTask"
"""How often, and between which others, depends on the real time."""
CALLS = ("claimTask", _OFTEN, "createArtifact", "reportCompleted", "reportFailed", "reportException", "cancelTask")
"""The calls that the queue double tells of, as far as they change something."""
_ORDER = {"pending": 0, "running": 1, "completed": 2, "failed": 2, "exception": 2}


async def witness(scene: Scene, task: str, logs: Collection[int] = ()) -> Witness:
    """The task as it went so far: the queue's word, the double's journal, Buildbot's tables, the bridge's own."""
    status, requests = await scene.stack.status(task), await scene.stack.requests(task)
    rows = await scene.stack.rows("SELECT run_id, to_phase FROM transitions WHERE task_id = $1 ORDER BY id", task)
    calls = await scene.calls(task)
    builds = sorted((build for each in requests for build in each["builds"]), key=lambda build: build["buildid"])
    runs = {
        number: SeenRun(
            phases=tuple(row["to_phase"] for row in rows if row["run_id"] == number),
            state=run["state"],
            reason=run.get("reasonResolved"),
            calls=tuple(_of_run(calls, number)),
            log=await scene.log(task, number) if number in logs else "",
            request=_request([each for each in requests if each["key"] == f"{task}/{number}"]),
        )
        for number, run in enumerate(status["runs"])
    }
    return Witness(
        runs, len(requests), tuple(_ended(b["results"]) for b in builds), status["retriesLeft"], _alarms(scene, task)
    )


def _alarms(scene: Scene, task: str) -> tuple[str, ...]:
    lines = (json.loads(line) for line in scene.logged('"alarm"', task))
    return tuple(sorted({line["what"] for line in lines if line.get("event") == "alarm"}))


def seen_here(expected: Expected) -> Expected:
    """What can be seen here: nobody notes the calls to Buildbot, whose tables tell instead."""
    runs = {
        number: run if run.calls is None else run.model_copy(update={"calls": tuple(c for c in run.calls if _seen(c))})
        for number, run in expected.runs.items()
    }
    times = {call: count for call, count in expected.times.items() if call in CALLS}
    return expected.model_copy(update={"runs": runs, "times": times})


def _seen(call: str) -> bool:
    return call.strip("()") in CALLS and call.strip("()") != _OFTEN


def without_reclaims(seen: Witness) -> Witness:
    runs = {n: replace(run, calls=tuple(call for call in run.calls if call != _OFTEN)) for n, run in seen.runs.items()}
    return replace(seen, runs=runs)


def _of_run(calls: list[Json], number: int) -> Iterator[str]:
    """The calls about a run; cancelTask is about the task, and meant for its last run."""
    for call in calls:
        name = call["api"].removeprefix("queue.")
        if name in CALLS and call.get("runId") in (number, None):
            yield name


def _request(made: list[Json]) -> str:
    if not made:
        return "none"
    return _ended(made[0]["results"]) if made[0]["complete"] else "open"


def _ended(results: int | None) -> str:
    return "running" if results is None else Results(results).name


def reached(wanted: Witness, seen: Witness) -> bool:
    return all(number in seen.runs and _run_reached(run, seen.runs[number]) for number, run in wanted.runs.items())


def _run_reached(wanted: SeenRun, seen: SeenRun) -> bool:
    """Whether the run has been where a replay shows it, or is beyond: builds without a gate go on by themselves."""
    last = wanted.phases[-1] if wanted.phases else None
    there = last is None or last in seen.phases or "settled" in seen.phases
    return there and _ORDER[seen.state] >= _ORDER[wanted.state]


def short(witness: Witness) -> dict[int, str]:
    return {number: f"{run.ends}: {' → '.join(run.phases)}" for number, run in witness.runs.items()}
