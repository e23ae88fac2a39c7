"""The commands by which operators steer: each wants a reason, can be tried with `--dry-run` first, and is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from bridge.cli import printed
from bridge.cli.desk import NOBODY, done, me
from bridge.cli.options import Config, Json
from bridge.cli.reading import named
from bridge.core.steering import StopKind
from bridge.settings import load
from bridge.steering import acts, letters, orders
from bridge.steering.desk import By, Desk, Said

app = typer.Typer()
letter_app = typer.Typer(help="Look at messages that could not be read.", no_args_is_help=True)
app.add_typer(letter_app, name="deadletter")

Reason = Annotated[str, typer.Option("--reason", help="Why; kept, and shown to whoever waits for it.")]
Who = Annotated[str, typer.Option("--who", help="Who does it; else this account and machine.", default_factory=me)]
Trial = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Pool = Annotated[str, typer.Argument(help="A pool of the settings.")]
Builder = Annotated[str, typer.Argument(help="A builder, or a prefix followed by `*`.")]
Task = Annotated[str, typer.Argument(help="taskId, or taskId/runId.")]
Run = Annotated[int | None, typer.Argument(help="runId; all unsettled runs without it.")]
Number = Annotated[int, typer.Argument(help="The message's number, as `bbb deadletter list` shows it.")]


def _do(act: Callable[[Desk], Awaitable[Said]], by: By, config: Config, *, json: bool) -> None:
    printed.either(*done(load(config), by, act), json=json)


def _give(kind: StopKind, pool: str, builders: str, by: By, config: Config, json: bool) -> None:
    target = orders.Target(kind, pool, builders)
    _do(lambda here: orders.give(here, target), by, config, json=json)


def _lift(kind: StopKind, pool: str, builders: str, by: By, config: Config, json: bool) -> None:
    target = orders.Target(kind, pool, builders)
    _do(lambda here: orders.lift(here, target), by, config, json=json)


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
    by = By(who, reason, dry_run)
    if end:
        return _lift(StopKind.DRAINING, "", "*", by, config, json)
    _give(StopKind.DRAINING, "", "*", by, config, json)
    if wait and not dry_run:
        done(load(config), NOBODY, lambda here: orders.drained(here, lambda words: typer.echo(words, err=json)))
    return None


@app.command("orders")
def list_orders(config: Config = None, json: Json = False) -> None:
    """Show what is paused, denied or draining, and what operators did last."""
    _do(orders.listed, NOBODY, config, json=json)


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
    key, only = named(task, run)
    _do(lambda here: acts.retry(here, key, only), By(who, reason, dry_run), config, json=json)


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
    key, only = named(task, run)
    _do(lambda here: acts.release(here, key, only), By(who, reason, dry_run), config, json=json)


@app.command("cancel")
def cancel(task: Task, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False) -> None:
    """Cancel a task in Taskcluster with the bridge's own client, where that may do so; its build is then cancelled too."""
    key, _ = named(task, None)
    _do(lambda here: acts.cancel(here, key), By(who, reason, dry_run), config, json=json)


@letter_app.command("list")
def letters_list(config: Config = None, json: Json = False) -> None:
    """Show the newest messages that could not be read."""
    data, words = done(load(config), NOBODY, lambda here: letters.listed(here.house.database))
    printed.either(data, words, json=json)


@letter_app.command("replay")
def letters_replay(
    number: Number, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False
) -> None:
    """Read such a message again, as after an upgrade; where that goes well it is dropped."""
    _do(lambda here: acts.replay(here, number), By(who, reason, dry_run), config, json=json)


@letter_app.command("drop")
def letters_drop(
    number: Number, reason: Reason, who: Who, dry_run: Trial = False, config: Config = None, json: Json = False
) -> None:
    """Forget such a message."""
    _do(lambda here: acts.drop(here, number), By(who, reason, dry_run), config, json=json)
