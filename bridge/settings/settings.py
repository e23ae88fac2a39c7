"""All settings of a deployment; the same file serves every service of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.core.deployment import Deployment
from bridge.core.rules import Rules
from bridge.settings.frame import LogSettings, ReflectorSettings, WebSettings
from bridge.settings.livelog import LiveLogSettings
from bridge.settings.pool import PoolSettings
from bridge.settings.provenance import ProvenanceSettings
from bridge.settings.secret import Secret
from bridge.settings.section import Identifier, matching
from bridge.settings.sides import BuildbotSettings, DatabaseSettings, PulseSettings, TaskclusterSettings
from bridge.settings.status import StatusSettings
from bridge.settings.traces import TracesSettings

Name = Annotated[str, matching(r"[a-z0-9_-]{1,64}", "up to 64 small letters, digits, hyphens or underscores")]


class Settings(BaseSettings):
    """One deployment: a Taskcluster, a database, any number of Buildbots and pools."""

    model_config = SettingsConfigDict(
        env_prefix="BBB_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    worker_group: Annotated[Identifier, Field(examples=["buildbot"])]
    own_worker_id: Annotated[Identifier, Field(examples=["buildbot-bridge"])] = "buildbot-bridge"
    taskcluster: TaskclusterSettings
    pulse: PulseSettings
    database: DatabaseSettings
    web: WebSettings = WebSettings()
    reflector: ReflectorSettings = ReflectorSettings()
    log: LogSettings = LogSettings()
    live_log: LiveLogSettings = LiveLogSettings()
    provenance: ProvenanceSettings = ProvenanceSettings()
    status: StatusSettings = StatusSettings()
    traces: TracesSettings = TracesSettings()
    buildbots: Annotated[dict[Name, BuildbotSettings], Field(min_length=1)]
    pools: Annotated[dict[Name, PoolSettings], Field(min_length=1)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose content comes as arguments; nothing else is a source."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        queues: dict[str, str] = {}
        for name, pool in self.pools.items():
            if pool.buildbot not in self.buildbots:
                known = ", ".join(sorted(self.buildbots))
                raise ValueError(f"pools.{name}.buildbot: there is no [buildbots.{pool.buildbot}]; there are: {known}")
            if (other := queues.setdefault(pool.task_queue, name)) != name:
                raise ValueError(f"pools.{name}.task_queue: pool {other} serves {pool.task_queue} already")
        return self

    def rules(self, pool: str) -> Rules:
        """How the runs of a pool are judged."""
        results, by_builder = self.pools[pool].result_maps()
        return Rules(self.worker_group, self.own_worker_id, results, by_builder)

    def deployment(self) -> Deployment:
        """What must be the same in every service of a deployment.

        A Buildbot counts by its name: the same one may have another address in another region.
        """
        whole = {
            "worker_group": self.worker_group,
            "own_worker_id": self.own_worker_id,
            "taskcluster.root_url": self.taskcluster.root_url,
        }
        return Deployment(whole, {name: pool.identity() for name, pool in self.pools.items()})

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """All secrets, with the names of their settings."""
        yield "taskcluster.access_token", self.taskcluster.token
        if (certificate := self.taskcluster.certificate_text) is not None:
            yield "taskcluster.certificate", certificate
        if self.pulse.enabled:
            yield "pulse.url", self.pulse.address
        yield "database.dsn", self.database.address
        for name, buildbot in self.buildbots.items():
            yield f"buildbots.{name}.token", buildbot.bearer
        for name, secret in self.live_log.secrets():
            yield f"live_log.{name}", secret
        for name, secret in self.status.secrets():
            yield f"status.{name}", secret
        if self.traces.bearer is not None:
            yield "traces.token", self.traces.bearer
        if self.provenance.enabled and self.provenance.signing is not None:
            yield "provenance.key", self.provenance.signing

    def secret_texts(self) -> frozenset[str]:
        """All texts that no log line may show, as they are now."""
        return frozenset(part for _, secret in self.secrets() for part in secret.parts())
