"""The status API and its page: where they are served, and to whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from bridge.settings.frame import Port
from bridge.settings.secret import Secret
from bridge.settings.section import Seconds, Section, matching

LEAST_TOKEN: Final = 32
"""Characters of a token, so that nobody guesses one."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"must be an address or a network: {error}") from None
    return text


HeaderName = Annotated[str, matching(r"[A-Za-z0-9-]{1,64}", "a header's name: letters, digits and hyphens")]
Host = Annotated[str, matching(r"[A-Za-z0-9.:\[\]-]{1,253}", "a host's name or address, without a port")]


class StatusSettings(Section):
    """Who may read, and who may steer.

    On the loopback anybody of the machine reads, unless there is a token or a proxy; elsewhere nobody without. Nobody steers
    without a token for that. `live_timeout` in seconds.
    """

    host: Annotated[str, Field(min_length=1, examples=["127.0.0.1"])] = "127.0.0.1"
    port: Port = 8085
    read_token: Annotated[SecretStr | None, Field(examples=["…"])] = None
    read_token_file: Annotated[Path | None, Field(examples=["/run/secrets/status-token"])] = None
    old_read_token: SecretStr | None = None
    old_read_token_file: Annotated[Path | None, Field(examples=["/run/secrets/status-old-token"])] = None
    write_token: Annotated[SecretStr | None, Field(examples=["…"])] = None
    write_token_file: Annotated[Path | None, Field(examples=["/run/secrets/status-write-token"])] = None
    old_write_token: SecretStr | None = None
    old_write_token_file: Annotated[Path | None, Field(examples=["/run/secrets/status-old-write-token"])] = None
    proxy_header: Annotated[HeaderName | None, Field(examples=["X-Forwarded-User"])] = None
    proxy_addresses: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Field(examples=[["10.0.0.0/8"]])] = ()
    proxy_secret: Annotated[SecretStr | None, Field(examples=["…"])] = None
    proxy_secret_file: Annotated[Path | None, Field(examples=["/run/secrets/status-proxy"])] = None
    allowed_hosts: Annotated[tuple[Host, ...], Field(examples=[["bridge.example.org"]])] = ()
    live_timeout: Seconds = 5
    watchers: Annotated[int, Field(ge=1, le=10000)] = 100

    @cached_property
    def reading(self) -> Secret | None:
        """The token that readers show."""
        return _given(self.read_token, self.read_token_file)

    @cached_property
    def formerly_reading(self) -> Secret | None:
        """The token that was good before, while readers change over."""
        return _given(self.old_read_token, self.old_read_token_file)

    @cached_property
    def writing(self) -> Secret | None:
        """The token that operators show; without one the API only reads."""
        return _given(self.write_token, self.write_token_file)

    @cached_property
    def formerly_writing(self) -> Secret | None:
        """The token that was good for operators before, while they change over."""
        return _given(self.old_write_token, self.old_write_token_file)

    @cached_property
    def proxy_proof(self) -> Secret | None:
        """What the proxy shows so that its word is believed."""
        return _given(self.proxy_secret, self.proxy_secret_file)

    @cached_property
    def proxy_networks(self) -> tuple[Network, ...]:
        """From where the proxy calls."""
        return tuple(ipaddress.ip_network(each) for each in self.proxy_addresses)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that are good now. One that became too short when its file was replaced is good for nothing."""
        return _good(self.reading, self.formerly_reading)

    @property
    def write_tokens(self) -> tuple[str, ...]:
        """The tokens with which operators may steer now; one that readers have too is good for nothing."""
        return tuple(text for text in _good(self.writing, self.formerly_writing) if text not in self.tokens)

    @property
    def proofs(self) -> tuple[str, ...]:
        """What the proxy may show, as it is now."""
        return _good(self.proxy_proof)

    @property
    def guarded(self) -> bool:
        """Whether readers must show who they are."""
        return self.reading is not None or self.proxy_header is not None

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """The secrets in use, with the names of their settings."""
        for name, read in self._named().items():
            if (secret := read()) is not None:
                yield name, secret

    def _named(self) -> dict[str, Callable[[], Secret | None]]:
        return {
            "read_token": lambda: self.reading,
            "old_read_token": lambda: self.formerly_reading,
            "write_token": lambda: self.writing,
            "old_write_token": lambda: self.formerly_writing,
            "proxy_secret": lambda: self.proxy_proof,
        }

    @model_validator(mode="after")
    def _safe(self) -> Self:
        for name, read in self._named().items():
            _fit(name, read)
        if self.formerly_reading is not None and self.reading is None:
            raise ValueError("old_read_token: is of no use without read_token, to which readers change over")
        if self.formerly_writing is not None and self.writing is None:
            raise ValueError("old_write_token: is of no use without write_token, to which operators change over")
        if self.writing is not None and self.writing() in self.tokens:
            raise ValueError("write_token: must not be a token of readers, who could then steer")
        if self.proxy_header is not None and not (self.proxy_addresses or self.proxy_proof):
            raise ValueError(
                "proxy_header: anybody can send it; give proxy_secret, which the proxy sends too, or proxy_addresses"
            )
        if not self.local and not self.guarded:
            raise ValueError(
                f"host: {self.host} can be reached from elsewhere; give read_token, or the proxy_header of a proxy that "
                "knows its users, or keep to 127.0.0.1"
            )
        return self


def _given(text: SecretStr | None, file: Path | None) -> Secret | None:
    """The secret, if one is given. An empty one is given too, and refused: nothing is open because a variable was empty."""
    return None if text is None and file is None else Secret(text, file)


def _good(*secrets: Secret | None) -> tuple[str, ...]:
    """Those that are long enough now."""
    return tuple(text for each in secrets if each is not None and len(text := each()) >= LEAST_TOKEN)


def _fit(setting: str, read: Callable[[], Secret | None]) -> None:
    """Complain in the setting's name about a secret that cannot be read or is too short."""
    try:
        secret = read()
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from None
    if secret is not None and len(secret()) < LEAST_TOKEN:
        raise ValueError(f"{setting}: must have at least {LEAST_TOKEN} characters, as from: openssl rand -hex 32")
