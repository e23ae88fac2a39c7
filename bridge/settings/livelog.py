"""The live log: where running builds can be read, by whom, and by how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, model_validator

from bridge.settings.frame import Port
from bridge.settings.secret import Secret
from bridge.settings.section import Address, Seconds, Section

LEAST_KEY: Final = 32
"""Characters of a key, so that nobody guesses one."""


class LiveLogSettings(Section):
    """Live logs, if `public_url` is given: else a task's log is there when its run is over.

    `silence`, `poll` and `outage` in seconds.
    """

    public_url: Annotated[Address | None, Field(examples=["https://logs.example.org"])] = None
    host: Annotated[str, Field(min_length=1, examples=["127.0.0.1"])] = "127.0.0.1"
    port: Port = 8090
    key: Annotated[SecretStr | None, Field(examples=["…"])] = None
    key_file: Annotated[Path | None, Field(examples=["/run/secrets/live-log-key"])] = None
    old_key: SecretStr | None = None
    old_key_file: Annotated[Path | None, Field(examples=["/run/secrets/live-log-old-key"])] = None
    listeners: Annotated[int, Field(ge=1, le=10000)] = 100
    per_build: Annotated[int, Field(ge=1, le=10000)] = 25
    silence: Seconds = 60
    poll: Annotated[float, Field(ge=0.1, le=60)] = 1
    outage: Seconds = 600

    @cached_property
    def signing_key(self) -> Secret:
        """The key that signs addresses."""
        return Secret(self.key, self.key_file)

    @cached_property
    def former_key(self) -> Secret | None:
        """The key that signed addresses before, while those are still good."""
        return Secret(self.old_key, self.old_key_file) if self.old_key or self.old_key_file else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as they are now: the first one signs, all of them open.

        A key that became too short when its file was replaced is left out until that is mended; so there may be none.
        """
        return tuple(key for _, secret in self.secrets() if len(key := secret()) >= LEAST_KEY)

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """The secrets in use, with the names of their settings."""
        if self.public_url is not None:
            yield "key", self.signing_key
            if self.former_key is not None:
                yield "old_key", self.former_key

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.public_url is not None:
            _fit("key", lambda: self.signing_key)
            _fit("old_key", lambda: self.former_key)
        return self


def _fit(setting: str, read: Callable[[], Secret | None]) -> None:
    """Complain in the setting's name about a key that cannot be read or is too short."""
    try:
        secret = read()
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from None
    if secret is not None and len(secret()) < LEAST_KEY:
        raise ValueError(f"{setting}: must have at least {LEAST_KEY} characters, as from: openssl rand -hex 32")
