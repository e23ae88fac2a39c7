"""The commands by which operators steer: each wants a reason, can be tried with `--dry-run` first, and is kept."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bridge.cli import printed
from bridge.cli.desk import By, Said, me
from bridge.cli.options import Config, Json
from bridge.core.steering import StopKind
from bridge.settings import load

app = typer.Typer()
letters = typer.Typer(help="Look at messages that could not be read.", no_args_is_help=True)
app.add_typer(letters, name="deadletter")

Reason = Annotated[str, typer.Option("--reason", help="Why; kept, and shown to whoever waits for it.")]
Who = Annotated[str, typer.Option("--who", help="Who does it; else this account and machine.", default_factory=me)]
Trial = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Pool = Annotated[str, typer.Argument(help="A pool of the settings.")]
Builder = Annotated[str, typer.Argument(help="A builder, or a prefix followed by `*`.")]
Task = Annotated[str, typer.Argument(help="taskId, or taskId/runId.")]
Run = Annotated[int | None, typer.Argument(help="runId; all unsettled runs without it.")]
Number = Annotated[int, typer.Argument(help="The message's number, as `bbb deadletter list` shows it.")]


def _print(said: Said, *, json: bool) -> None:
    printed.either(*said, json=json)


def _give(kind: StopKind, pool: str, builders: str, by: By, config: Config, json: bool) -> None:
    from bridge.cli import orders

    _print(asyncio.run(orders.give(load(config), orders.Target(kind, pool, builders), by)), json=json)


def _lift(kind: StopKind, pool: str, builders: str, by: By, config: Config, json: bool) -> None:
    from bridge.cli import orders

    _print(asyncio.run(orders.lift(load(config), orders.Target(kind, pool, builders), by)), json=json)


@app.command("pause")
def pause(
    pool: Pool,
    reason: Reason,
    who: Who,
    builder: Builder = "*",
    dry_run: Trial = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make no new build requests for a pool, or for some of its builders: their runs stay pending in Taskcluster."""
    _give(StopKind.PAUSED, pool, builder, By(who, reason, dry_run), config, json)


@app.command("resume")
def resume(
    pool: Pool,
    reason: Reason,
    who: Who,
    builder: Builder = "*",
    dry_run: Trial = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """End what `bbb pause` began, with the same pool and builder."""
    _lift(StopKind.PAUSED, pool, builder, By(who, reason, dry_run), config, json)


@app.command("deny")
def deny(
    builder: Builder, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False
) -> None:
    """Make no new build requests for a builder in any pool, at once: the kill switch. `*` means all builders."""
    _give(StopKind.DENIED, "", builder, By(who, reason, dry_run), config, json)


@app.command("allow")
def allow(
    builder: Builder, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False
) -> None:
    """End what `bbb deny` began, with the same builder."""
    _lift(StopKind.DENIED, "", builder, By(who, reason, dry_run), config, json)


@app.command("drain")
def drain(
    reason: Reason,
    who: Who,
    end: Annotated[bool, typer.Option("--end", help="End the draining.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until no run has a build request any more.")] = True,
    dry_run: Trial = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make no new build requests at all, and wait until those that there are have come to their ends."""
    from bridge.cli import orders

    by = By(who, reason, dry_run)
    if end:
        return _lift(StopKind.DRAINING, "", "*", by, config, json)
    _give(StopKind.DRAINING, "", "*", by, config, json)
    if wait and not dry_run:
        asyncio.run(orders.drained(load(config), lambda words: typer.echo(words, err=json)))
    return None


@app.command("orders")
def orders(config: Config = None, json: Json = False) -> None:
    """Show what is paused, denied or draining, and what operators did last."""
    from bridge.cli import orders

    _print(asyncio.run(orders.listed(load(config))), json=json)


@app.command("retry")
def retry(
    task: Task,
    reason: Reason,
    who: Who,
    run: Run = None,
    dry_run: Trial = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Have what a run owes tried now, whatever wait was agreed. Safe at any time."""
    from bridge.cli import acts

    _print(asyncio.run(acts.retry(load(config), task, run, By(who, reason, dry_run))), json=json)


@app.command("release")
def release(
    task: Task,
    reason: Reason,
    who: Who,
    run: Run = None,
    dry_run: Trial = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Take a run from the process that acts for it, so that another goes on with it. Safe at any time."""
    from bridge.cli import acts

    _print(asyncio.run(acts.release(load(config), task, run, By(who, reason, dry_run))), json=json)


@app.command("cancel")
def cancel(task: Task, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False) -> None:
    """Cancel a task in Taskcluster with the bridge's own client, where that may do so; its build is then cancelled too."""
    from bridge.cli import acts

    _print(asyncio.run(acts.cancel(load(config), task, By(who, reason, dry_run))), json=json)


@letters.command("list")
def letters_list(config: Config = None, json: Json = False) -> None:
    """Show the newest messages that could not be read."""
    from bridge.cli import acts

    _print(asyncio.run(acts.letters(load(config))), json=json)


@letters.command("replay")
def letters_replay(
    number: Number, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False
) -> None:
    """Read such a message again, as after an upgrade; where that goes well it is dropped."""
    from bridge.cli import acts

    _print(asyncio.run(acts.replay(load(config), number, By(who, reason, dry_run))), json=json)


@letters.command("drop")
def letters_drop(
    number: Number, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False
) -> None:
    """Forget such a message."""
    from bridge.cli import acts

    _print(asyncio.run(acts.drop(load(config), number, By(who, reason, dry_run))), json=json)
