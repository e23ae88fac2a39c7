"""How the services behave: their web server, their sweeps, their logs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bridge.settings.section import Seconds, Section

ServiceName = Literal["taskcluster-listener", "buildbot-listener", "reflector", "all", "web"]
Port = Annotated[int, Field(ge=0, le=65535)]


class WebSettings(Section):
    """Health, metrics and status of each service. There is no login: keep it on the loopback, or behind a proxy."""

    host: Annotated[str, Field(min_length=1, examples=["127.0.0.1"])] = "127.0.0.1"
    port: Port = 8080
    ports: dict[ServiceName, Port] = Field(default_factory=dict)

    def port_of(self, service: str) -> int:
        """The port of a service; 0 stands for any free one."""
        return next((port for name, port in self.ports.items() if name == service), self.port)


class ReflectorSettings(Section):
    """How often the sweeps look at both sides, in seconds, and for how many days settled runs are kept."""

    interval: Seconds = 60
    states_interval: Seconds = 30
    strangers_interval: Seconds = 300
    retention_days: Annotated[int, Field(ge=6, le=3650)] = 30


class LogSettings(Section):
    """Log lines on standard error: JSON for machines, coloured words for a terminal."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"
