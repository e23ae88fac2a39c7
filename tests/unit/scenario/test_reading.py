"""What people read when a file cannot be a scenario: where, what, and how to mend it."""

from pathlib import Path

import pytest

from bridge.scenario import ScenarioError, parse, read

HEAD = """\
scenario: 1
title: A title
tasks:
  build: {builder: gate}
"""
GOOD = f"{HEAD}steps:\n  - {{at: 0s, taskcluster: task created}}\n"


def refused(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "x.yml")
    said = str(caught.value)
    assert said.startswith("The scenario x.yml cannot be played:\n- ")
    return said


def test_the_least_scenario_is_one() -> None:
    assert parse(GOOD, "x.yml").title == "A title"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: a scenario is a mapping that begins with `scenario: 1`"),
        ("- a\n", "line 1: a scenario is a mapping that begins with `scenario: 1`"),
        ("a: [\n", "line 2: the file is not YAML: expected the node content"),
        ("a: \x01\n", "The file is not YAML: unacceptable character"),
        (GOOD.replace("scenario: 1", "scenario: 2"), "line 1: `scenario` input should be 1 (it is 2)"),
        (GOOD.replace("title: A title\n", ""), "line 1: `title` is missing. Add it"),
        (f"{GOOD}expct: {{}}\n", "line 7: `expct` is no key of the format. Correct its name, or drop it"),
        (f"{GOOD}title: again\n", "line 7: `title` stands twice"),
        (
            GOOD.replace("{builder: gate}", "{builder: gate, retries: 50}"),
            "line 4: `tasks.build.retries` input should be less",
        ),
        (
            GOOD.replace("gate}", "gate, deadline: soon}"),
            "line 4: `tasks.build.deadline` is not a span of time. Write it like",
        ),
        (GOOD.replace("0s,", f"{'9' * 400}h,"), "line 6: `steps[0].at` is longer than ten years"),
        (GOOD.replace("0s,", "1.0e+300,"), "line 6: `steps[0].at` is longer than ten years"),
        (GOOD.replace("0s,", ".nan,"), "line 6: `steps[0].at` is not a span of time"),
        (GOOD.replace("0s,", "-1,"), "line 6: `steps[0].at` is not a span of time"),
        (
            GOOD.replace("taskcluster: task created", "taskcluster: task made"),
            "line 6: `steps[0].taskcluster` input should be 't",
        ),
        (f"{GOOD}  - {{at: 1s}}\n", "line 7: `steps[1]` needs exactly one of taskcluster, buildbot, bridge, call, check"),
        (f"{GOOD}  - {{at: 1s, taskcluster: task cancelled, check: run}}\n", "line 7: `steps[1]` needs exactly one of"),
        (
            f"{GOOD}  - at: 1s\n    buildbot: build ended\n",
            "line 8: `steps[1].buildbot` `build ended` needs `results`: say which",
        ),
        (f"{GOOD}  - {{at: 1s, taskcluster: task rerun, task: other}}\n", "there is no task 'other' under `tasks`: build"),
        (f"{GOOD}expect:\n  other: {{requests: 1}}\n", "there is no task 'other' under `tasks`: build"),
        (f"{GOOD}  - {{at: 1m, taskcluster: task rerun}}\n  - {{at: 1s, check: run}}\n", "in the order of their times"),
        (GOOD.replace("build: {builder: gate}", "a: &a {builder: gate}\n  b: *a"), "The file uses a YAML alias"),
        (
            f"{GOOD}expect:\n  build:\n    runs:\n      0: {{phases: ['built?']}}\n",
            "line 10: `expect.build.runs.0.phases[0]` ",
        ),
        (
            GOOD.replace("build: {builder: gate}", "a: {builder: gate}\n  b: {builder: gate}"),
            "there are several tasks, so each step must say which one: task: name",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_file_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        read(tmp_path / "missing.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        read(tmp_path / "binary.yml")
    (tmp_path / "large.yml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(ScenarioError, match="larger than"):
        read(tmp_path / "large.yml")


def test_many_problems_are_told_together_and_not_without_end() -> None:
    steps = "".join(f"  - {{at: {n}s, taskcluster: task made}}\n" for n in range(50))
    said = refused(f"{GOOD}{steps}")
    assert said.count("\n- line") == 20
    assert "… and 30 more" in said


def test_hostile_names_are_shown_harmlessly() -> None:
    said = refused(f'{GOOD}"\\e[31mred\\n": 1\n')
    assert "\x1b" not in said
    assert said.count("\n") == 1
