"""The command for operators who move builders into task graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.options import Config, Json
from bridge.settings import load


def add_to(app: typer.Typer) -> None:
    """Make the command part of `bbb`."""
    app.command("import-builders")(import_builders)


def import_builders(  # noqa: PLR0913  one for each option
    *,
    buildbot: Annotated[str | None, typer.Option(help="Which of the settings' Buildbots, if there are several.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only builders of this shell-like pattern. Repeatable.")] = None,
    kind: Annotated[str, typer.Option(help="Name of the kind, for its comments.")] = "buildbot",
    missing_from: Annotated[Path | None, typer.Option(help="Leave out what this kind file, or directory, has.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write it here, not to standard output.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --out.")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """List the builders that a Buildbot opens to the bridge, and write a kind file of taskgraph for them."""
    from bridge.cli.importing import Import

    Import(load(config), buildbot, only or [], kind, missing_from).carry_out(out, force=force, json=json)
