"""How this machine reaches Debian's packages and Python's, handed to a tree or an image that is made here.

Nothing of it is written down in the project: it is asked of apt and pip each time. On a machine that needs nothing special
all of it is empty.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
_WANTED: Final = ("index-url", "extra-index-url", "proxy", "trusted-host", "default-timeout")


def mirror() -> list[str]:
    """The address from which apt has its Debian, as mmdebstrap's last argument; none where this is no Debian: it knows one."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout.split()[:1]
    except (OSError, subprocess.CalledProcessError):
        return []


def certificates() -> Path | None:
    """Whom this machine trusts, if a file says so."""
    path = Path(os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or _CERTIFICATES)
    return path if path.exists() else None


def pip_settings(trusted: str | None) -> str:
    """A pip.conf with the indexes that are reached by network, for a place where the certificates are the file `trusted`."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    pairs = [line.partition("=") for line in listed.splitlines()]
    found = {name.rpartition(".")[2]: value.strip("'\"") for name, _, value in pairs}
    said = [f"{name} = {found[name]}" for name in _WANTED if name in found and "file:" not in found[name]]
    return "\n".join(["[global]", *said, *([f"cert = {trusted}"] if trusted else []), ""])
