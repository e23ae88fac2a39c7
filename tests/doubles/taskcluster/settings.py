"""Reads the configuration of a server: clients, roles and periods, from one JSON object."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.doubles.taskcluster.credentials import Client
from tests.doubles.taskcluster.instants import SECOND
from tests.doubles.taskcluster.ledger import Periods

PERIODS = {
    "claimSeconds": "claim",
    "deadlineDelaySeconds": "deadline_delay",
    "pollSeconds": "poll",
    "publishSeconds": "publish",
    "claimWorkSeconds": "claim_work",
    "claimWorkPollSeconds": "claim_work_poll",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with."""

    clients: dict[str, Client] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    periods: Periods = field(default_factory=Periods)

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Settings":
        """Read a configuration; an unknown key is an error."""
        unknown = content.keys() - {"clients", "roles", "periods"}
        if unknown:
            raise ValueError(f"unknown in the configuration: {sorted(unknown)}")
        clients = {name: client(known) for name, known in content.get("clients", {}).items()}
        return cls(clients, content.get("roles", {}), periods(Periods(), content.get("periods", {})))

    @classmethod
    def load(cls, path: Path | None) -> "Settings":
        return cls() if path is None else cls.of(json.loads(path.read_text()))


def client(known: dict[str, Any]) -> Client:
    return Client(known["accessToken"], tuple(known["scopes"]))


def periods(base: Periods, seconds: dict[str, float]) -> Periods:
    """Change some periods of `base`, in place, and answer it."""
    for name, value in seconds.items():
        if name not in PERIODS:
            raise ValueError(f"unknown period {name!r}; there are {sorted(PERIODS)}")
        setattr(base, PERIODS[name], round(value * SECOND))
    return base


def periods_wire(known: Periods) -> dict[str, float]:
    values = {part.name: getattr(known, part.name) / SECOND for part in fields(known)}
    return {name: values[part] for name, part in PERIODS.items()}
