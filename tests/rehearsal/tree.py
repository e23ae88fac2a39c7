"""A bare Debian in a directory, entered as if the machine had started from it."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.sandbox import machine

TRUSTED: Final = "/etc/ssl/certs/ca-certificates.crt"
ENVIRONMENT: Final[Mapping[str, str]] = {
    "HOME": "/root",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": TRUSTED,  # the tools that do not look where Debian keeps certificates
    "NODE_EXTRA_CA_CERTS": TRUSTED,
}
INCLUDED: Final = "python3,git,ca-certificates"
# pivot_root, not chroot alone: what runs inside may itself make a container, which a chroot does not allow.
_ENTER: Final = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs run
mkdir run/lock
pivot_root . .
umount -l .
shift
exec chroot . /usr/bin/env -i "$@"
"""


class TreeError(Exception):
    """The tree cannot be made, or something in it failed; the text says what."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One Debian release in a directory."""

    release: str
    place: Path

    def make(self) -> None:
        """Fill the directory: minimal system, `git`, `python3`, and this machine's way to packages."""
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}", self.release, str(self.place)]
        done = subprocess.run([*command, *machine.mirror()], capture_output=True, text=True, timeout=900, check=False)
        if done.returncode:
            raise TreeError(f"mmdebstrap failed ({done.returncode}):\n{done.stderr[-4000:]}")
        trusted = machine.certificates()
        if trusted:
            shutil.copy(trusted, self.place / TRUSTED[1:])
        (self.place / "etc" / "pip.conf").write_text(machine.pip_settings(TRUSTED if trusted else None))
        shutil.copy("/etc/resolv.conf", self.place / "etc" / "resolv.conf")
        shutil.copy("/etc/hosts", self.place / "etc" / "hosts")

    def run(self, script: str) -> int:
        """Run a shell script inside, in a world of processes of its own that ends with it; its exit status."""
        variables = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        inside = ["/bin/bash", "-c", script]
        outside = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--"]
        enter = ["/bin/bash", "-c", _ENTER, "enter", str(self.place), *variables, *inside]
        return subprocess.run([*outside, *enter], stdin=subprocess.DEVNULL, check=False).returncode
