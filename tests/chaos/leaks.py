"""Looks for secrets where none may be: in the services' logs and in the bridge's database."""

import asyncio
from urllib.parse import urlsplit

from tests.chaos.house import House
from tests.chaos.killing import NAMES

TABLES = ("runs", "transitions", "replicas", "dead_letters")


async def leaks(house: House) -> list[str]:
    """Each place that holds a secret of the deployment; the secrets themselves are not told."""
    stack = house.stack
    pulse = urlsplit(stack.rabbit.pulse_url).password
    assert pulse is not None
    secrets = {"access token": stack.key, "plugin's token": stack.buildbot.token, "password of Pulse": pulse}
    texts = {f"{name}.log": await asyncio.to_thread((stack.directory / f"{name}.log").read_text) for name in NAMES}
    for table in TABLES:
        texts[f"table {table}"] = str([dict(row) for row in await stack.rows(f"SELECT * FROM {table}")])
    return [
        f"the {secret} is in {place}" for secret, word in secrets.items() for place, text in texts.items() if word in text
    ]
