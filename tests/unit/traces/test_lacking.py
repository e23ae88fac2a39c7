"""A command of an operator, on a machine that lacks what traces need."""

import sys
from pathlib import Path
from subprocess import run

from tests.unit.settings.conftest import MINIMAL

PROGRAM = """
import sys
sys.modules["opentelemetry"] = None  # as where it is not installed
sys.argv = ["bbb", "orders", "--config", sys.argv[1]]
from bridge.cli.app import main
main()
"""


def test_what_to_install_is_said_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text(f'{MINIMAL}[traces]\nurl = "http://127.0.0.1:9/v1/traces"\n')
    said = run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("bbb: traces.url: opentelemetry is missing; install the extra: ")
    assert len(said.stderr.splitlines()) == 1
