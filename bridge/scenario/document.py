"""The format, version 1: what may stand in a scenario file, around its steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from bridge.scenario.spans import Span, words
from bridge.scenario.steps import (
    AnyStep,
    Call,
    OfBridge,
    OfCall,
    OfCheck,
    OfTask,
    Part,
    Perhaps,
    Priority,
    Results,
    RunNumber,
    TaskName,
    Told,
    names_a_task,
)

FORMAT: Final = 1


class ResultsMap(Part):
    """What the task is told for Buildbot's results, where it is not the usual."""

    warnings: Told = "completed"
    exception: Told = "internal-error"
    skipped: Told = "completed"
    collapsed: Told = "internal-error"
    cancelled: Told = "canceled"


class Bridge(Part):
    """The settings that matter: how long a claim lasts, how often is swept, whether messages come, whom the pool admits."""

    claim: Span = timedelta(minutes=20)
    pulse: bool = True
    sweep: Span = timedelta(seconds=60)
    builders: tuple[str, ...] = ("*",)
    denied: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()
    results: ResultsMap = ResultsMap()


class Task(Part):
    """A task. `deadline` counts from its creation; `scopes` None: just the one that it needs.

    `stubborn`: its builds do not listen when they are told to stop; they end by a step.
    """

    builder: Annotated[str, Field(max_length=256)]
    deadline: Span = timedelta(hours=24)
    retries: Annotated[int, Field(ge=0, le=49)] = 5
    priority: Priority = "lowest"
    scopes: tuple[str, ...] | None = None
    properties: dict[str, Any] = Field(default_factory=dict)
    stubborn: bool = False


class ExpectedRun(Part):
    """How a run must have gone. A name in parentheses, in `phases` and `calls`, may be there or not.

    `ends`: Taskcluster's reason of its resolution, else its state. `calls`: those that change something, in order, repeats
    in a row counted once. `log`: what must stand in the log that is stored with it. `request`: how the build request that
    was made for it ended.
    """

    phases: tuple[Perhaps, ...] | None = None
    ends: str | None = None
    calls: tuple[Perhaps, ...] | None = None
    log: tuple[str, ...] = ()
    request: Results | Literal["open", "none"] | None = None


class Expected(Part):
    """How a task must have gone: its runs (all of them), and how many build requests were made for them.

    `builds`: how many, or how each ended, oldest first. `times`: how often calls were made, exactly; `never`: not at all.
    """

    runs: dict[RunNumber, ExpectedRun] = Field(default_factory=dict)
    requests: Annotated[int, Field(ge=0)] | None = None
    builds: Annotated[int, Field(ge=0)] | tuple[Results | Literal["running"], ...] | None = None
    retries_left: Annotated[int, Field(ge=0)] | None = None
    times: dict[Call, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    never: tuple[Call, ...] = ()
    alarms: tuple[str, ...] | None = None


class Scenario(Part):
    """A scenario. `ids` are those of the project's catalogue of scenarios; `notes` say what a recording could not tell.

    `stack`: whether it can be played on real servers too, or why not. It is played until nothing is left to do, and no
    longer than `until`; without that for half an hour after the last step.
    """

    scenario: Literal[1]
    ids: tuple[Annotated[str, Field(pattern=r"^[A-Z]-\d\d$")], ...] = ()
    title: Annotated[str, Field(min_length=1, max_length=120)]
    story: str = ""
    notes: tuple[str, ...] = ()
    stack: Literal[True] | str = "it has not been tried there"
    bridge: Bridge = Bridge()
    tasks: Annotated[dict[TaskName, Task], Field(min_length=1, max_length=100)]
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1, max_length=10_000)]
    until: Span | None = None
    expect: dict[TaskName, Expected] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.at < before.at:
                raise ValueError("steps: they must stand in the order of their times")
        named = {step.task for step in self.steps if not isinstance(step, OfBridge | OfCall)} - {None}
        if None in {step.task for step in self.steps if names_a_task(step)} and len(self.tasks) > 1:
            raise ValueError("steps: there are several tasks, so each step must say which one: task: name")
        if unknown := sorted((named | {*self.expect}) - {*self.tasks, None}, key=str):
            raise ValueError(f"there is no task {unknown[0]!r} under `tasks`: {', '.join(self.tasks)}")
        return self

    def task_of(self, step: OfTask | OfCheck) -> str:
        """The name of the task that a step is about."""
        return step.task or next(iter(self.tasks))


def json_schema() -> dict[str, Any]:
    """The format's JSON schema; the file in this package holds what this gives."""
    made = Scenario.model_json_schema()
    for model in (Bridge, Task, OfBridge):
        for name, field in model.model_fields.items():
            if isinstance(field.default, timedelta):
                made["$defs"][model.__name__]["properties"][field.alias or name]["default"] = words(field.default)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A scenario for `bbb replay`"}
    return head | {name: value for name, value in made.items() if name != "title"}
