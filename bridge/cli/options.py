"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; else $BBB_CONFIG, else /etc/buildbot-bridge/bridge.toml.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
