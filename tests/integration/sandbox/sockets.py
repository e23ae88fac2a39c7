"""Who listens where, read from the kernel."""

import contextlib
import ipaddress
import re
from pathlib import Path

from tests.sandbox import process

LISTENING = "0A"


def addresses_listened_on(pid: int) -> set[tuple[str, int]]:
    """TCP addresses and ports on which this process or one of its descendants listens."""
    inodes = {inode for one in (pid, *process.descendants(pid)) for inode in _sockets(one)}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in inodes:
                found.add(_address(fields[1]))
    return found


def _sockets(pid: int) -> set[str]:
    """Inodes of a process's sockets; none where it, or a file of it, has gone since it was listed."""
    inodes = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                inodes.update(re.findall(r"^socket:\[(\d+)\]", str(entry.readlink())))
    return inodes


def _address(field: str) -> tuple[str, int]:
    """The kernel writes addresses as 32-bit words in the machine's (little endian) order."""
    packed, port = field.split(":")
    words = [bytes.fromhex(packed[start : start + 8])[::-1] for start in range(0, len(packed), 8)]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)
