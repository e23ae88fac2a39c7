"""The parent of all replicas: has imported all that a service needs, and has no thread, no loop and no socket.

Orders come on standard input and reports go to standard output, a line of JSON each: `{"name", "arguments", "environment",
"log", "seen", "switch", "arm"}` starts a replica and is answered by `{"started": name, "pid"}`; `{"ended": pid, "status"}`
tells an exit status, negative after a signal. Its end is the end of all that it started.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from tests.chaos.points import Points, install

PRELOADED: Final = (
    "bridge.cli.app",
    "bridge.cli.serving",
    "bridge.store.migrate",
    "bridge.store.checkup",
    "listeners.taskcluster",
    "listeners.buildbot",
    "reflector.service",
)
PR_SET_PDEATHSIG: Final = 1
Order = dict[str, Any]


def main() -> None:
    """Serve orders until standard input ends."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there now is never looked at again, so that its pages stay shared
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _report({"ready": os.getpid()})
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(reader, selectors.EVENT_READ)
        _serve(selector, reader)


def _serve(selector: selectors.BaseSelector, reader: int) -> None:
    rest = b""
    while True:
        for key, _ in selector.select():
            if key.fd == reader:
                os.read(reader, 4096)
                _reap()
                continue
            said = os.read(0, 1 << 16)
            if not said:
                return
            *lines, rest = (rest + said).split(b"\n")
            for line in lines:
                _start(json.loads(line))


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _report({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _start(order: Order) -> None:
    pid = os.fork()
    if pid == 0:
        _become(order)
    _report({"started": order["name"], "pid": pid})


def _report(what: Order) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


def _become(order: Order) -> None:
    """Be `bbb` from here on; never returns."""
    status = 1
    try:
        _alone(Path(order["log"]))
        os.environ.update(order["environment"])
        sys.argv = ["bbb", *order["arguments"]]
        install(Points(Path(order["seen"]), Path(order["switch"]), tuple(order["arm"]) if order["arm"] else None))
        status = _bbb()
    except Exception:  # noqa: BLE001  the log is all that is left of it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(status)


def _alone(log: Path) -> None:
    """Nothing of the parent but its memory: own group, own files, no signals of its, and no life after it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number in (1, 2):
        os.dup2(out, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, 64)


def _bbb() -> int:
    from bridge.cli.app import main as command

    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
