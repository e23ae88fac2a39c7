"""The shell completes `bbb`: a real bash, with what the command itself gives out for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
COMPLETED = """
eval "$(_BBB_COMPLETE=source_bash bbb)"
complete -p bbb
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_bbb_completion bbb
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    script = COMPLETED.format(words=" ".join(f"'{word}'" for word in words))
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    registered, *found = done.stdout.splitlines()
    assert "_bbb_completion" in registered
    return found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["bbb", "res"], ["resume"]),
        (["bbb", "deadletter", ""], ["drop", "list", "replay"]),
        (["bbb", "pause", "--re"], ["--reason"]),
        (["bbb", "reflector", "--d"], ["--dry-run"]),
    ],
)
def test_bash_completes_commands_and_options(words: list[str], found: list[str]) -> None:
    assert sorted(completed(*words)) == found


def test_it_can_be_installed_and_shown() -> None:
    said = subprocess.run([BIN / "bbb", "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "--install-completion" in said
    assert "--show-completion" in said
