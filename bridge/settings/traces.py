"""Whether, and where to, the bridge tells what it does for each run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from bridge.settings.secret import Secret
from bridge.settings.section import Seconds, Section, matching

Address = Annotated[str, matching(r"https?://[^\s/@]+(/\S*)?", "an http or https address without a user")]


class TracesSettings(Section):
    """OpenTelemetry traces: one for each run, sent as OTLP over HTTP. `timeout` in seconds."""

    url: Annotated[Address | None, Field(examples=["http://127.0.0.1:4318/v1/traces"])] = None
    token: Annotated[SecretStr | None, Field(examples=["…"])] = None
    token_file: Annotated[Path | None, Field(examples=["/run/secrets/traces-token"])] = None
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    timeout: Seconds = 10

    @cached_property
    def bearer(self) -> Secret | None:
        """What the collector is shown; None for one that asks for nothing."""
        return None if self.token is None and self.token_file is None else Secret(self.token, self.token_file)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            _ = self.bearer
        except ValueError as error:
            raise ValueError(f"token: {error}") from None
        return self
