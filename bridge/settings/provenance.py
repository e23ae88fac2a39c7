"""Whether, and with which key, the bridge attests to what it saw."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from bridge.settings.secret import Secret
from bridge.settings.section import Section


class ProvenanceSettings(Section):
    """`public/buildbot/provenance.json`: what the bridge saw of a build, signed if there is a key (Ed25519; PEM, PKCS 8)."""

    enabled: bool = False
    key: Annotated[SecretStr | None, Field(examples=["-----BEGIN PRIVATE KEY-----…"])] = None
    key_file: Annotated[Path | None, Field(examples=["/run/secrets/provenance.pem"])] = None

    @cached_property
    def signing(self) -> Secret | None:
        """The key's text; None for documents without a signature."""
        return Secret(self.key, self.key_file) if self.key or self.key_file else None
