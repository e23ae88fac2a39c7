"""Plays that do not go as expected, and what cannot happen: told in words."""

from datetime import timedelta

import pytest

from bridge.scenario import parse, play
from bridge.scenario.judging import fits
from bridge.scenario.spans import span, words

HEAD = "scenario: 1\ntitle: A title\ntasks: {build: {builder: gate}}\nsteps:\n  - {at: 0s, taskcluster: task created}\n"
BUILT = f"{HEAD}  - {{at: 10s, buildbot: build started}}\n  - {{at: 1m, buildbot: build ended, results: FAILURE}}\n"


def wrong(text: str) -> list[str]:
    return list(play(parse(text, "x.yml")).differences)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("requests: 2", "requests: expected 2, there are 1"),
        ("builds: 0", "builds: expected 0, there are 1"),
        ("builds: [SUCCESS]", "builds: expected SUCCESS, they ended FAILURE"),
        ("retries_left: 4", "retries left: expected 4, there are 5"),
        ("never: [claimTask]", "claimTask was called, which must never be"),
        ("never: [definition]", "definition was called, which must never be"),
        ("times: {claimTask: 2}", "claimTask: expected to be called 2 times, it was 1 times"),
        ("alarms: [not_allowed]", "alarms: expected not_allowed, there were none (differing: not_allowed)"),
        ("runs: {0: {ends: completed}}", "run 0: expected to end as completed, it is failed"),
        ("runs: {0: {request: SUCCESS}}", "run 0: its build request is expected to be SUCCESS, it is FAILURE"),
        ("runs: {0: {}, 1: {}}", "run 1: there is no such run"),
        ("runs: {1: {}}", "there are runs that were not expected: 0"),
        (
            "runs: {0: {calls: [submit]}}",
            "run 0: expected calls submit, there were submit → claimTask → createArtifact → repo",
        ),
        (
            "runs: {0: {phases: [wanted, settled]}}",
            "run 0: expected phases wanted → settled, it went wanted → queued → buildin",
        ),
        ("runs: {0: {log: [banana]}}", "run 0: its log lacks 'banana'"),
    ],
)
def test_each_expectation_can_fail_and_says_how(expected: str, said: str) -> None:
    assert any(each.startswith(said) for each in wrong(f"{BUILT}expect: {{build: {{{expected}}}}}\n"))


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("phase: building", "at 30s: run 0: phase expected building, is queued"),
        ("state: running", "at 30s: run 0: state expected running, is pending"),
        ("owes: ReclaimRun", "at 30s: run 0: expected to owe ReclaimRun, it owes none"),
        ("made: {submit: 2}", "at 30s: run 0: expected at least 2 submit by now, there were 1"),
        ("alarm: foreign_claim", "at 30s: expected alarm foreign_claim, there were none"),
        ("run: 3", "at 30s: run 3: there is no such run"),
    ],
)
def test_each_check_can_fail_and_says_when(check: str, said: str) -> None:
    assert wrong(f"{HEAD}  - {{at: 30s, check: run, {check}}}\n") == [said]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("buildbot: build ended, results: SUCCESS", "no build of request 1 is running"),
        ("buildbot: build started, run: 3", "Buildbot has no build request for the run at this time"),
        ("taskcluster: task rerun", "the task is not resolved"),
        ("taskcluster: deadline passed", "the task's deadline is later"),
    ],
)
def test_a_step_that_cannot_happen_ends_the_play(step: str, said: str) -> None:
    assert wrong(f"{HEAD}  - {{at: 30s, {step}}}\n")[0] == f"at 30s the scenario cannot go on: {said}"


def test_steps_of_one_time_have_all_happened_before_any_is_heard_of() -> None:
    both = f"{HEAD}  - {{at: 10s, buildbot: build started}}\n  - {{at: 10s, buildbot: build ended, results: SUCCESS}}\n"
    assert play(parse(both, "x.yml")).tasks["build"].runs[0].phases == ("wanted", "queued", "reporting", "settled")


def test_what_is_unheard_is_found_by_a_sweep() -> None:
    lost = f"{HEAD}  - {{at: 61s, taskcluster: task cancelled, unheard: true}}\n"
    (settled,) = [note for note in play(parse(lost, "x.yml")).notes if note.after == "settled"]
    assert (settled.at - play(parse(lost, "x.yml")).notes[0].at) == timedelta(minutes=2)


def test_without_pulse_the_ends_are_the_same() -> None:
    slow = BUILT.replace("10s", "2m").replace("1m", "10m")
    heard, swept = play(parse(slow, "x.yml")), play(parse(f"{slow}bridge: {{pulse: false}}\n", "x.yml"))
    assert heard.differences == swept.differences == []
    assert heard.tasks["build"].runs[0].ends == swept.tasks["build"].runs[0].ends == "failed"


def test_a_wrong_bridge_would_be_found_out() -> None:
    """A call that is refused for ever leaves the run where no expectation of an end is met."""
    stuck = f"{HEAD}  - {{at: 5s, call: claimTask, answers: 500, for: 23h}}\n  - {{at: 10s, buildbot: build started}}\n"
    assert wrong(f"{stuck}expect: {{build: {{runs: {{0: {{ends: running}}}}}}}}\n") == [
        "run 0: expected to end as running, it is pending"
    ]


@pytest.mark.parametrize(
    ("wanted", "seen", "fit"),
    [
        ((), (), True),
        (("a",), (), False),
        (("(a)",), (), True),
        (("a", "(b)", "c"), ("a", "c"), True),
        (("a", "(b)", "c"), ("a", "b", "c"), True),
        (("a", "(b)", "c"), ("a", "b", "b", "c"), False),
        (("ab",), ("a", "b"), False),
    ],
)
def test_names_in_parentheses_may_be_missing(wanted: tuple[str, ...], seen: tuple[str, ...], fit: bool) -> None:
    assert fits(wanted, seen) is fit


@pytest.mark.parametrize(
    ("written", "seconds", "as_words"),
    [
        ("12s", 12, "12s"),
        ("1h30m", 5400, "1h30m"),
        ("250ms", 0.25, "0.25s"),
        (7, 7, "7s"),
        ("2d", 172800, "48h"),
        (0, 0, "0s"),
    ],
)
def test_spans_are_read_and_written(written: object, seconds: float, as_words: str) -> None:
    assert span(written) == timedelta(seconds=seconds)
    assert words(span(written)) == as_words
    assert span(words(span(written))) == span(written)
