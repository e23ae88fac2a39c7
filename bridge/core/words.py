"""What a run owes, in words for people."""

from __future__ import annotations

from bridge.core import commands
from bridge.core.commands import Command
from bridge.core.verdict import Resolution


def in_words(command: Command) -> str:
    """The command as what is to be done: "claim the run as group/worker"."""
    match command:
        case commands.Look(request=request):
            there = f", and build request {request.id} in Buildbot" if request else ""
            return f"read the task's status in Taskcluster{there}"
        case commands.RequestBuild():
            return "judge the task and request its build in Buildbot"
        case commands.ClaimRun(worker=worker):
            return f"claim the run as {worker.group}/{worker.id}"
        case commands.ReclaimRun(worker=worker):
            return f"renew the claim as {worker.group}/{worker.id}"
        case commands.Reprioritise(request=request, priority=priority):
            return f"give build request {request.id} the task's priority, {priority}"
        case commands.Report(verdict=verdict, build=build):
            return f"{_artifacts(build)}tell Taskcluster: {_told(verdict.resolution)}, because {verdict.why}"
        case commands.Explain():
            return "attach the reason of the refusal and tell Taskcluster: malformed-payload"
        case commands.CancelRequest(because=because, asked=asked):
            times = f"; asked {asked} times so far" if asked else ""
            return f"have Buildbot cancel the build request, because the run was {because}{times}"
        case commands.AttachLeftovers(build=build):
            return f"attach log and properties of the stopped build {build}"


def _artifacts(build: int | None) -> str:
    return "" if build is None else f"attach the artifacts of build {build}, then "


def _told(resolution: Resolution) -> str:
    return "cancel the task" if resolution is Resolution.CANCELED else resolution.value
