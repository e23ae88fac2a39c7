"""The commands, and what becomes of their errors."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli import authoring, migrating, printed, steering
from bridge.cli.complaint import complaints
from bridge.cli.options import Config, Json
from bridge.settings import Settings, load

app = typer.Typer(
    name="bbb",
    help="The Buildbot Bridge: Taskcluster tasks, run as Buildbot builds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Look at the settings.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(steering.app)
authoring.add_to(app)
migrating.add_to(app)


def main() -> None:
    """Run a command; complaints go to standard error, with exit status 2."""
    _stoppable()
    if isinstance(sys.stdout, TextIOWrapper):  # a name is no reason to fail where the output cannot write its letters
        sys.stdout.reconfigure(errors="backslashreplace")
    with complaints():
        app()


def _stoppable() -> None:
    """Let SIGTERM end any command at any time: the kernel has no such default for the first process of a container.

    Services put their own, orderly end in its place as soon as they run.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _version(asked: bool) -> None:
    if asked:
        from bridge.web.health import release

        typer.echo(f"bbb {release()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001  handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Run the bridge, and look after it."""
    # What a library has to say about a call that failed is said by us, in words; services set up logs of their own.
    logging.getLogger().addHandler(logging.NullHandler())


Dry = Annotated[bool, typer.Option("--dry-run", help="Change nothing anywhere; only log what would be done.")]


def _serve(name: str, services: tuple[str, ...], config: Path | None, *, dry: bool = False) -> None:
    from bridge.cli.serving import serve

    raise typer.Exit(serve(name, services, load(config), dry=dry))


@app.command("taskcluster-listener")
def taskcluster_listener(config: Config = None, dry_run: Dry = False) -> None:
    """Hear Taskcluster, and have done in Buildbot what follows."""
    _serve("taskcluster-listener", ("taskcluster-listener",), config, dry=dry_run)


@app.command("buildbot-listener")
def buildbot_listener(config: Config = None, dry_run: Dry = False) -> None:
    """Hear the Buildbots, and tell Taskcluster."""
    _serve("buildbot-listener", ("buildbot-listener",), config, dry=dry_run)


@app.command("reflector")
def reflector(config: Config = None, dry_run: Dry = False) -> None:
    """Keep claims alive, and finish what anyone left unfinished."""
    _serve("reflector", ("reflector",), config, dry=dry_run)


@app.command("all")
def everything(config: Config = None, dry_run: Dry = False) -> None:
    """Run the three services in one process: enough for a small deployment."""
    _serve("all", ("taskcluster-listener", "buildbot-listener", "reflector"), config, dry=dry_run)


@app.command("web")
def web(config: Config = None) -> None:
    """Serve the status API. Any number of such processes may run."""
    _serve("web", ("web",), config)


@app.command("health")
def health(
    service: Annotated[str | None, typer.Argument(help="Its name, where the settings give it a port of its own.")] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask a service on this machine whether it is ready; exit status 1 if it is not. For supervisors of containers."""
    from bridge.cli import probing

    said = probing.asked(load(config), service)
    printed.either({"well": said.well, "words": list(said.words)}, "".join(f"{line}\n" for line in said.words), json=json)
    raise typer.Exit(0 if said.well else 1)


@app.command("migrate")
def migrate(config: Config = None, json: Json = False) -> None:
    """Bring the database up to this version. May be run at any time, and by several at once."""
    from bridge.store.checkup import refusals_in_words
    from bridge.store.migrate import migrate

    settings = load(config)
    with refusals_in_words():
        applied = asyncio.run(migrate(settings.database.address()))
    words = "".join(f"applied {name}\n" for name in applied) or "nothing to do: the database is up to date\n"
    printed.either({"applied": applied}, words, json=json)


@app.command("status")
def status(config: Config = None, json: Json = False) -> None:
    """Show how many runs are where, how late the bridge is, and who serves."""
    from bridge.cli import reading

    printed.either(*asyncio.run(reading.status(load(config))), json=json)


@app.command("show")
def show(
    task: Annotated[str, typer.Argument(help="taskId, or taskId/runId.")],
    run: Annotated[int | None, typer.Argument(help="runId; all runs without it.")] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show the rows of a task's runs, and all that happened to them."""
    from bridge.cli import reading

    printed.either(*asyncio.run(reading.task(load(config), task, run)), json=json)


@app.command("runs")
def runs(  # noqa: PLR0913, PLR0917  each filter is an option
    phase: Annotated[list[str] | None, typer.Option(help="In this phase; may be repeated.")] = None,
    pool: Annotated[list[str] | None, typer.Option(help="Of this pool; may be repeated.")] = None,
    builder: Annotated[str | None, typer.Option(help="For this builder; 'linux-*' for all that begin so.")] = None,
    group: Annotated[str | None, typer.Option(help="Of this task group.")] = None,
    task: Annotated[str | None, typer.Option(help="Of this task.")] = None,
    request: Annotated[int | None, typer.Option(help="With this build request.")] = None,
    build: Annotated[int | None, typer.Option(help="With this build, by its id.")] = None,
    settled: Annotated[bool | None, typer.Option("--settled/--unsettled", help="Only those that are over, or not.")] = None,
    stuck: Annotated[bool, typer.Option("--stuck", help="Only those that are stuck.")] = False,
    min_age: Annotated[int | None, typer.Option(help="At least so old, in seconds.")] = None,
    max_age: Annotated[int | None, typer.Option(help="At most so old, in seconds.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    token: Annotated[str | None, typer.Option(help="Go on where the last page ended.")] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    from bridge.cli import looking

    which = {
        "phase": tuple(phase or ()),
        "pool": tuple(pool or ()),
        "builder": builder,
        "task_group_id": group,
        "task_id": task,
        "request_id": request,
        "build_id": build,
        "settled": settled,
        "stuck": stuck,
        "min_age": min_age,
        "max_age": max_age,
        "limit": limit,
        "continuation_token": token,
    }
    printed.either(*asyncio.run(looking.runs(load(config), which)), json=json)


@app.command("stuck")
def stuck(
    limit: Annotated[int, typer.Option(help="At most so many runs.")] = 100, config: Config = None, json: Json = False
) -> None:
    """List runs that are stuck: why, and what to do."""
    from bridge.cli import looking

    printed.either(*asyncio.run(looking.stuck(load(config), limit)), json=json)


@app.command("trace")
def trace(task: Annotated[str, typer.Argument(help="taskId.")], config: Config = None, json: Json = False) -> None:
    """Show all that happened to a task, on both sides, in one timeline."""
    from bridge.cli import looking

    printed.either(*asyncio.run(looking.trace(load(config), task)), json=json)


@app.command("record")
def record(
    task: Annotated[str, typer.Argument(help="taskId, or taskId/runId.")],
    run: Annotated[int | None, typer.Argument(help="The last run to record; all runs without it.")] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Write the scenario of a task from the history of its runs, for `bbb replay`: an incident becomes a test."""
    from bridge.cli import recording

    data, words = recording.recorded(load(config), task, run)
    printed.either(data, words, json=json)


@app.command("replay")
def replay(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="FILE…", help="Files, `-`, or names and ids of scenarios that ship.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the scenarios that ship with the bridge.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of scenario files.")] = False,
    json: Json = False,
) -> None:
    """Play scenarios against this version of the bridge; exit status 1 if one does not go as it expects."""
    from bridge.cli import replaying

    if schema:
        printed.as_json(replaying.schema())
    elif listed:
        printed.either(*replaying.shipped(), json=json)
    else:
        data, words, good = replaying.replayed(names or [])
        printed.either(data, words, json=json)
        raise typer.Exit(0 if good else 1)


@app.command("doctor")
def doctor(config: Config = None, json: Json = False) -> None:
    """Check settings, database, Pulse, Taskcluster and Buildbots, and say how to mend what is wrong."""
    from bridge.doctor import examination, report

    found = asyncio.run(examination.examine(config))
    printed.either(report.as_json(found), report.as_table(found), json=json)
    raise typer.Exit(1 if report.failed(found) else 0)


@app.command("schema")
def schema() -> None:
    """Print the JSON schema of a task's payload."""
    from bridge.definition import payload_schema

    printed.as_json(payload_schema())


@app.command("scopes")
def scopes(config: Config = None, json: Json = False) -> None:
    """Print the scopes that the permanent client needs for these settings."""
    from bridge.doctor.scopes import needed

    needs = needed(load(config))
    data = [{"scope": need.scope, "why": need.why, "or": list(need.instead)} for need in needs]
    lines = (f"{need.scope:50}  # {need.why}{''.join(f'; or {other}' for other in need.instead)}\n" for need in needs)
    printed.either(data, "".join(lines), json=json)


@config_app.command("check")
def check(config: Config = None, json: Json = False) -> None:
    """Check the settings without calling anybody."""
    from bridge.settings.shown import advice

    settings = load(config)
    said = list(advice(settings))
    words = "".join(f"warning: {line}\n" for line in said) + "The settings can be used.\n"
    printed.either({"usable": True, "warnings": said, "deployment": asdict(settings.deployment())}, words, json=json)


@config_app.command("show")
def show_config(config: Config = None, json: Json = False) -> None:
    """Show the settings in force, defaults and environment included; secrets are masked."""
    from bridge.settings.shown import shown

    settings: Settings = load(config)
    data: dict[str, Any] = shown(settings)
    if json or not sys.stdout.isatty():
        printed.as_json(data)
    else:
        printed.flat(data)
