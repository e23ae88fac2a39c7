"""How the outside is reached: Taskcluster, Pulse, the database, Buildbots."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, model_validator

from bridge.settings.secret import Secret
from bridge.settings.section import Address, Rate, Seconds, Section, matching

QueueName = Annotated[str, matching(r"[A-Za-z0-9._-]{1,100}", "up to 100 letters, digits, dots, hyphens or underscores")]
T = TypeVar("T")


def _named(setting: str, read: Callable[[], T]) -> T:
    """What `read` gives; its complaint carries the setting's name."""
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from None


class TaskclusterSettings(Section):
    """The Taskcluster that is served, and the permanent client's credentials."""

    root_url: Annotated[Address, Field(examples=["https://firefox-ci-tc.services.mozilla.com"])]
    client_id: Annotated[str, Field(min_length=1, examples=["project/example/buildbot-bridge"])]
    access_token: Annotated[SecretStr | None, Field(examples=["…"])] = None
    access_token_file: Annotated[Path | None, Field(examples=["/run/secrets/taskcluster-token"])] = None
    certificate: SecretStr | None = None
    certificate_file: Annotated[Path | None, Field(examples=["/run/secrets/taskcluster-certificate"])] = None
    calls_per_second: Rate = 50
    timeout: Seconds = 30
    artifact_storage: Literal["s3", "object"] = "s3"
    expand_roles: bool = True

    @cached_property
    def token(self) -> Secret:
        """The access token."""
        return Secret(self.access_token, self.access_token_file)

    @cached_property
    def certificate_text(self) -> Secret | None:
        """The certificate of temporary credentials; None for permanent ones."""
        given = self.certificate or self.certificate_file
        return Secret(self.certificate, self.certificate_file) if given else None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _ = _named("access_token", lambda: self.token), _named("certificate", lambda: self.certificate_text)
        return self


class PulseSettings(Section):
    """The message broker. Messages only make things happen sooner: without it every run ends the same, a sweep later."""

    enabled: bool = True
    url: Annotated[SecretStr | None, Field(examples=["amqps://user:password@pulse.mozilla.org:5671/%2F"])] = None
    url_file: Annotated[Path | None, Field(examples=["/run/secrets/pulse-url"])] = None
    queue_name: QueueName = "buildbot-bridge"
    prefetch: Annotated[int, Field(ge=1, le=1500)] = 200
    probe_interval: Seconds = 30

    @cached_property
    def address(self) -> Secret:
        """The broker's address, name and password in it."""
        return Secret(self.url, self.url_file)

    @property
    def queue(self) -> str:
        """The queue's full name: a user of Pulse may only have queues below the own name."""
        return f"queue/{unquote(urlsplit(self.address()).username or '')}/{self.queue_name}"

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.enabled:
            address = urlsplit(_named("url", lambda: self.address)())
            if address.scheme not in {"amqp", "amqps"} or not address.hostname or not address.username:
                raise ValueError("url: must have the form amqps://user:password@host:port/vhost")
        return self


class DatabaseSettings(Section):
    """PostgreSQL: one database of its own for each deployment."""

    dsn: Annotated[SecretStr | None, Field(examples=["postgresql://bridge:password@db.example.org/bridge"])] = None
    dsn_file: Annotated[Path | None, Field(examples=["/run/secrets/database-dsn"])] = None
    pool_size: Annotated[int, Field(ge=1, le=100)] = 8

    @cached_property
    def address(self) -> Secret:
        """The database's address, with password."""
        return Secret(self.dsn, self.dsn_file)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if urlsplit(_named("dsn", lambda: self.address)()).scheme not in {"postgresql", "postgres"}:
            raise ValueError("dsn: must have the form postgresql://user:password@host:port/database")
        return self


class BuildbotSettings(Section):
    """One Buildbot master with the bridge's plugin."""

    url: Annotated[Address, Field(examples=["https://buildbot.example.org"])]
    token: Annotated[SecretStr | None, Field(examples=["…"])] = None
    token_file: Annotated[Path | None, Field(examples=["/run/secrets/buildbot-token"])] = None
    calls_per_second: Rate = 20
    timeout: Seconds = 30
    changes_wait: Annotated[float, Field(ge=1, le=55)] = 25

    @cached_property
    def bearer(self) -> Secret:
        """The token that the plugin asks for."""
        return Secret(self.token, self.token_file)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _named("token", lambda: self.bearer)
        return self
