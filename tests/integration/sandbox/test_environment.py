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
