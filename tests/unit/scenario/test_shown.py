"""What `bbb replay` prints, line by line."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bridge.cli import replaying

GOLDEN = Path(__file__).with_name("golden")


def printed(*names: str) -> str:
    _, words, _ = replaying.replayed(names)
    paper = io.StringIO()
    Console(file=paper, width=200, highlight=False).print(words)
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("name", ["T-07", "F-19-crash-after-submit", "B-12"])
def test_one_scenario_is_shown_step_by_step(name: str) -> None:
    assert printed(name) == (GOLDEN / f"{name}.txt").read_text()


def test_of_several_only_the_outcomes_are_shown() -> None:
    assert printed("T-07", "T-08").splitlines() == [
        "T-07: Cancelled while queued: as expected, over 1m",
        "T-08: Cancelled while running: as expected, over 1m",
    ]


def test_programs_get_all_of_it() -> None:
    (data,), _, good = replaying.replayed(["T-07"])
    assert good
    assert json.loads(json.dumps(data["notes"])) == data["notes"]
    (settled,) = [note for note in data["notes"] if note.get("after") == "settled"]
    assert (settled["at"], settled["task"], settled["run"], settled["before"]) == (60.0, "build", 0, "stopping")
    queued = next(note for note in data["notes"] if note.get("after") == "wanted")
    assert queued["owed"] == [{"what": "RequestBuild", "at": 0.0}]


def test_names_that_look_like_markup_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "odd.yml"
    path.write_text(
        "scenario: 1\ntitle: '[red]<script>[/nothing]'\ntasks: {build: {builder: '[bold]x'}}\n"
        "steps:\n  - {at: 0s, taskcluster: task created}\n  - {at: 1m, taskcluster: task cancelled}\n"
    )
    assert "[red]<script>[/nothing]" in printed(str(path))
