"""Whether a task may become a build: denied unless policy, scopes and limits all allow it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice

from bridge.core.order import LeftAlone, Limits, Order, Payload, Policy, Refusal, Sourcestamp
from bridge.core.run import RunKey
from bridge.core.status import TaskStatus, buildbot_priority, run_in

# A task that set one of these could pose as another run, mislead a builder's steps, or would find its value replaced in
# silence. `owner` is not among them: Buildbot only reads it, as whom to tell, and task graphs pass it on.
RESERVED = frozenset(
    {
        # the bridge's
        "taskcluster_task_id",
        "taskcluster_run_id",
        "taskcluster_group_id",
        "taskcluster_task_url",
        # Buildbot's own, set when a build is made; those of the first line from its sourcestamp
        *("branch", "revision", "repository", "project", "codebase"),
        *("scheduler", "buildername", "builderid", "buildnumber", "buildid", "projectname", "projectid", "owners"),
        *("workername", "slavename", "machine_name", "basedir", "builddir", "workdir"),
        *("got_revision", "warnings-count"),
        # these would make the build appear under another builder
        *("virtual_builder_name", "virtual_builder_description", "virtual_builder_project", "virtual_builder_tags"),
    }
)
_MOST_PROBLEMS = 20  # more help nobody
_CLOCK_SKEW = timedelta(days=1)  # of all machines that may have submitted the same run before
_INT64 = 2**63


def judge(
    key: RunKey, payload: Payload, scopes: Collection[str], status: TaskStatus, policy: Policy
) -> Order | Refusal | LeftAlone:
    """Decide on a pending run; `scopes` are the task's, expanded.

    Who may build comes before what: a task without the scope learns nothing about the pool's builders. The order's reason
    is `Taskcluster task <taskId> run <runId>`; other systems may rely on that.
    """
    builder = payload.builder
    if problem := name_problem(builder, "`payload.buildername`"):
        return refusal([problem])
    if matches(builder, policy.left_alone):
        return LeftAlone(f"builder {builder} is left alone by this bridge's policy")
    needed = [f"{prefix}{builder}" for prefix in policy.scope_prefixes]
    if not any(satisfies(scopes, scope) for scope in needed):
        return refusal([_missing_scope(builder, needed)])
    if matches(builder, policy.denied) or not matches(builder, policy.builders):
        return refusal([_not_allowed(builder, status.task_queue_id)])
    if problems := payload_problems(payload, policy.limits):
        return refusal(problems)
    return _order(key, payload, status, policy)


def payload_problems(payload: Payload, limits: Limits) -> list[str]:
    """What is wrong with the properties and sourcestamps of a payload, whoever asks for it: a sentence for each."""
    found = chain(_limits(payload.properties, limits), _sourcestamps(payload.sourcestamps))
    return list(islice(found, 2 * _MOST_PROBLEMS))


def needs_expansion(scopes: Collection[str]) -> bool:
    """Whether roles must be expanded before `scopes` can be judged."""
    return any(scope.startswith("assume:") or _covers(scope, "assume:") for scope in scopes)


def satisfies(scopes: Collection[str], needed: str) -> bool:
    """Taskcluster's rule: a scope covers itself, and one ending in `*` all that begin with what stands before it."""
    return any(_covers(scope, needed) for scope in scopes)


def _covers(scope: str, needed: str) -> bool:
    return scope == needed or (scope.endswith("*") and needed.startswith(scope[:-1]))


def matches(builder: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns covers the whole name: a literal, or a prefix followed by `*`."""
    return any(_covers(pattern, builder) for pattern in patterns)


def refusal(problems: Sequence[str]) -> Refusal:
    """What the author of a task reads: every problem, and where it is. The text can be stored and shown anywhere."""
    listed = "\n".join(f"- {shown(problem, 1000)}" for problem in problems[:_MOST_PROBLEMS])
    more = "\n- … and more" if len(problems) > _MOST_PROBLEMS else ""
    return Refusal(
        "The Buildbot bridge cannot run this task, so no build was requested.\n\n"
        f"{listed}{more}\n\n"
        "Mend the task's definition where it is made, and create the task again: a rerun of this one is refused again."
    )


def shown(text: str, most: int = 80) -> str:
    """`text` for people: shortened, and what cannot be printed (line ends, NUL, half a surrogate pair) escaped."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in cut)


def name_problem(builder: str, where: str) -> str | None:
    """What is wrong with a builder's name that stands at `where`: no scope could name it."""
    if not builder:
        return f"{where} is empty. Give the name of a Buildbot builder."
    if builder.endswith("*"):
        return f"{where} ends in `*`. A scope of that name would cover every builder, so name one builder in full."
    if not builder.isascii() or not builder.isprintable():
        return f"{where} has characters that are not printable ASCII: {shown(builder, 200)}. Correct the name."
    return None


def _missing_scope(builder: str, needed: Sequence[str]) -> str:
    listed = " or ".join(f"`{scope}`" for scope in needed)
    return (
        f"`task.scopes` does not allow builder {builder!r}: the scope {listed} is missing. Add it to the task's scopes; "
        "whoever creates the task must hold it."
    )


def _not_allowed(builder: str, queue: str) -> str:
    return (
        f"`payload.buildername`: builder {builder!r} may not be used from task queue {queue}. Correct the name, or ask "
        "the bridge's operators to add it to the `builders` of that pool."
    )


def _sourcestamps(stamps: Sequence[Sourcestamp]) -> Iterator[str]:
    seen = set[str]()
    for number, stamp in enumerate(stamps):
        if stamp.codebase in seen:
            yield (
                f"`payload.sourcestamps[{number}].codebase`: '{shown(stamp.codebase)}' stands in two sourcestamps. Give "
                "each sourcestamp a codebase of its own."
            )
        seen.add(stamp.codebase)
        for name in ("codebase", "repository", "project", "branch", "revision"):
            yield from _line(f"`payload.sourcestamps[{number}].{name}`", getattr(stamp, name) or "")


def _limits(properties: Mapping[str, object], limits: Limits) -> Iterator[str]:
    where = "payload.properties"
    if len(properties) > limits.properties:
        yield f"`{where}` holds {len(properties)} properties; at most {limits.properties} are allowed. Drop some."
    if (size := _size(properties, limits.depth)) > limits.bytes:
        yield f"`{where}` takes {size} bytes; at most {limits.bytes} are allowed. Put large data into an artifact."
    for name, value in properties.items():
        yield from _name(name, limits)
        yield from _value(f"{where}.{shown(name)}", value, limits.depth)


def _name(name: str, limits: Limits) -> Iterator[str]:
    where = f"`payload.properties.{shown(name)}`"
    if name in RESERVED:
        yield f"{where}: this property is set by the bridge or by Buildbot. Use another name."
    if not name:
        yield "`payload.properties` has a property without a name. Give it one."
    if len(name) > limits.name:
        yield f"{where}: the name has {len(name)} characters; at most {limits.name} are allowed. Shorten it."
    yield from _line(f"{where}: the name", name)


def _line(subject: str, text: str) -> Iterator[str]:
    """Names and sourcestamps become arguments of commands and lines of logs."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        yield f"{subject} contains a control character, such as a line end. Remove it."
    elif not _is_unicode(text):
        yield f"{subject} {_NO_TEXT}"


def _value(where: str, value: object, depth: int) -> Iterator[str]:
    if depth <= 0:
        yield f"`{where}` is nested too deeply. Flatten it, or pass it as a string."
        return
    match value:
        case str():
            yield from _text(where, value)
        case int() if not -_INT64 <= value < _INT64:
            yield f"`{where}`: the number does not fit 64 bits. Write it as a string."
        case float() if not math.isfinite(value):
            yield f"`{where}`: {value} is no number that JSON knows. Write it as a string."
        case list():
            for number, item in enumerate(value):
                yield from _value(f"{where}[{number}]", item, depth - 1)
        case dict():
            for name, item in value.items():
                yield from _text(f"{where}.{shown(name)}", name)
                yield from _value(f"{where}.{shown(name)}", item, depth - 1)
        case _:
            return


_NO_TEXT = "contains half of a surrogate pair, which no encoding can write. Remove it."


def _text(where: str, text: str) -> Iterator[str]:
    if "\0" in text:
        yield f"`{where}` contains a NUL character. Remove it."
    if not _is_unicode(text):
        yield f"`{where}` {_NO_TEXT}"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _size(value: object, depth: int) -> int:
    """About the bytes of the value as JSON; what is nested too deeply is not counted."""
    if depth < 0:
        return 0
    match value:
        case str():
            return len(value.encode(errors="replace")) + 2
        case int():
            return value.bit_length() // 3 + 1  # not by its digits: writing those of a huge number takes for ever
        case list():
            return 2 + sum(_size(item, depth - 1) + 1 for item in value)
        case Mapping():
            return 2 + sum(_size(name, depth) + _size(item, depth - 1) + 2 for name, item in value.items())
        case _:
            return len(repr(value))


def _order(key: RunKey, payload: Payload, status: TaskStatus, policy: Policy) -> Order:
    ours: dict[str, object] = {
        "taskcluster_task_id": key.task_id,
        "taskcluster_run_id": key.run_id,
        "taskcluster_group_id": status.task_group_id,
    }
    if policy.root_url:
        ours["taskcluster_task_url"] = f"{policy.root_url.rstrip('/')}/tasks/{key.task_id}/runs/{key.run_id}"
    run = run_in(status, key.run_id)
    return Order(
        builder=payload.builder,
        properties={**payload.properties, **ours},
        sourcestamps=payload.sourcestamps,
        priority=buildbot_priority(status.priority),
        reason=f"Taskcluster task {key.task_id} run {key.run_id}",
        # From what never changes about the run: a bound taken from the present would hide an earlier submit.
        not_before=(run.scheduled if run else status.deadline - timedelta(days=10)) - _CLOCK_SKEW,
    )
