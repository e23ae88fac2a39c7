"""`public/buildbot/provenance.json`: what the bridge saw of a build, and its signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import ConfigDict, Field

from bridge.core.artifact import Stored
from bridge.published.document import Bridge, Build, Document, Part, Sha256, Task

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEMA: Final = "provenance.v1"


class Content(Part):
    """An artifact that the bridge attached to the run."""

    name: str
    """Its name in Taskcluster."""
    size: Annotated[int, Field(ge=0)]
    """How many bytes it has as readers get it, decoded."""
    sha256: Sha256
    """SHA-256 of these bytes."""


class Seen(Task):
    """The run, and the definition of its task."""

    definition_sha256: Sha256
    """SHA-256 of the definition as the queue gives it, without `priority`, which people may change; spelled by RFC 8785
    (keys sorted, no white space), but with all digits of integers: mostly as `jq -cSj 'del(.priority)'` writes it."""


class Provenance(Document):
    """What the bridge saw: the definition that it was shown, whom it asked to build, and what it attached.

    The bridge believes what the Buildbot master says, and never sees the worker. This is no chain of trust.
    """

    model_config = ConfigDict(title="What a Buildbot bridge saw of a build")

    version: Literal[1]
    """The version of this format."""
    bridge: Bridge
    """Who wrote this."""
    task: Seen
    """For which run."""
    build: Build
    """The build, as the Buildbot master describes it."""
    artifacts: tuple[Content, ...]
    """All artifacts with content that the bridge attached before this one, by name; references are none."""


def provenance(task: Seen, build: Build, stored: Iterable[Stored], version: str) -> Provenance:
    """The document about one run."""
    artifacts = sorted(stored, key=lambda each: each.name)
    return Provenance(
        version=1,
        bridge=Bridge(version=version),
        task=task,
        build=build,
        artifacts=tuple(Content(name=each.name, size=each.size, sha256=each.sha256) for each in artifacts),
    )


def private_key(text: str) -> Ed25519PrivateKey:
    """An Ed25519 key from its text: PEM, PKCS 8, not encrypted. Raises ValueError, without the text, for anything else."""
    # Ten megabytes that a process without a key never needs.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is no private key in PEM (PKCS 8) without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("is no Ed25519 key; openssl genpkey -algorithm ed25519 makes one")  # noqa: TRY004  a text is wrong
    return key


class Signer:
    """Signs with a key whose text may be replaced at any time, as in a file. Text that is no key changes nothing."""

    def __init__(self, text: Callable[[], str]) -> None:
        """Take what gives the text (see `private_key`). Raises ValueError if it gives no key now."""
        self._text = text
        self._seen = text()
        self._key = private_key(self._seen)

    def sign(self, document: bytes) -> bytes:
        """The detached signature, 64 bytes, by the key as it is now. `openssl pkeyutl -verify -rawin` can check it."""
        if (text := self._text()) != self._seen:
            self._seen = text
            with suppress(ValueError):
                self._key = private_key(text)
        return self._key.sign(document)
