"""Asks a service on this machine how it is, as its supervisor would."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, get_args

from bridge.cli.complaint import Complaint
from bridge.settings import Settings
from bridge.settings.frame import ServiceName

TIMEOUT: Final = 5.0
"""Seconds for the answer: an event loop that is later than that is not well."""
SERVICES: Final[tuple[str, ...]] = get_args(ServiceName)


@dataclass(frozen=True, slots=True)
class Health:
    """What a service says of itself, in words; `well` decides the exit status."""

    well: bool
    words: Sequence[str]


def asked(settings: Settings, service: str | None) -> Health:
    """What the service's readiness page says; without a name, that of the service on `web.port`."""
    host, port = _address(settings, service)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        return _understood(connection.getresponse().read())
    except (OSError, http.client.HTTPException) as error:
        return Health(well=False, words=[f"nothing answers on {host}:{port}: {error or type(error).__name__}"])
    finally:
        connection.close()


def _understood(body: bytes) -> Health:
    try:
        said = json.loads(body)
        reasons = [f"{service}: {reason}" for service, found in said["reasons"].items() for reason in found]
        return Health(well=said["ready"] is True, words=reasons or ["ready" if said["ready"] is True else "not ready"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Health(well=False, words=["what answers there is no service of the bridge"])


def _address(settings: Settings, service: str | None) -> tuple[str, int]:
    """Where it listens; one that listens everywhere is asked on the loopback."""
    if service not in (None, *SERVICES):
        raise Complaint(f"there is no service {service}. There are: {', '.join(SERVICES)}")
    port = settings.web.port_of(service) if service else settings.web.port
    if port == 0:
        raise Complaint("web.port is 0, any free port: nobody can know where to ask. Give the service a port, see web.ports")
    try:
        address = ip_address(settings.web.host)
    except ValueError:
        return settings.web.host, port
    return ("127.0.0.1" if address.version == 4 else "::1") if address.is_unspecified else str(address), port
