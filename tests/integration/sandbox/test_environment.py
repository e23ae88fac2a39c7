"""The environments beside the project's own: each is made for whoever needs it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox.environment import ROOT


def test_the_demo_waits_for_nothing_that_only_tests_need(tmp_path: Path) -> None:
    elsewhere = {f"BRIDGE_{name}_VENV": str(tmp_path / name) for name in ("BUILDBOT_OLDEST", "TASKGRAPH")}
    command = [sys.executable, "-m", "tests.sandbox.environment", "demo"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **elsewhere}, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "Helm" not in done.stderr


def test_no_server_that_was_installed_for_tests_starts_with_the_machine(tmp_path: Path) -> None:
    """Debian enables each unit that a package brings; podman's would serve its API to whoever is root."""
    told = tmp_path / "told"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$3" >>{told}\n[ "$3" != epmd.socket ]\n')
    (tmp_path / "systemctl").chmod(0o755)
    program = 'eval "$(sed -n "/^stay_off()/,/^}/p" dev)"; set -eu; stay_off rabbitmq-server podman procps dbus'
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", program], cwd=ROOT, env=path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    listed = subprocess.run(["dpkg", "-L", "podman", "rabbitmq-server"], capture_output=True, text=True, check=True).stdout
    units = {Path(line) for line in listed.split() if "/systemd/system/" in line and "@" not in line}
    enabled = {each.name for each in units if each.is_file() and "[Install]" in each.read_text()}
    assert {"podman.socket", "rabbitmq-server.service"} <= enabled
    off = set(told.read_text().split())
    assert enabled | {"epmd.service", "epmd.socket"} <= off
    assert not any(name.startswith(("procps", "dbus")) for name in off), "those are the machine's own"
