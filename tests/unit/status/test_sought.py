"""What is typed or pasted into the search, and what is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.status.sought import Sought, sought

TASK = "eh-v8gljRtyHdLQiLDVrBQ"
TC = "https://tc.example.org"
BB = "http://bb.example.org/path/#"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (TASK, Sought(task=TASK, group=TASK, builder=TASK)),
        (f"  {TASK}\n", Sought(task=TASK, group=TASK, builder=TASK)),
        (f"{TASK}/2", Sought(task=TASK, run=2)),
        (f"{TASK} 2", Sought(task=TASK, run=2)),
        (f"{TASK}.2", Sought(task=TASK, run=2)),
        (f"{TC}/tasks/{TASK}", Sought(task=TASK)),
        (f"{TC}/tasks/{TASK}/runs/3/logs/live/public%2Flogs%2Flive.log", Sought(task=TASK, run=3)),
        (f"{TC}/tasks/groups/{TASK}", Sought(group=TASK)),
        (f"{TC}/tasks/groups/{TASK}/tasks?x=1", Sought(group=TASK)),
        (f"https://bridge.example.org/groups/{TASK}", Sought(group=TASK)),
        (f"{BB}/buildrequests/77", Sought(request=77)),
        (f"{BB}/builders/5/builds/123", Sought(number=123, builder_id=5)),
        (f"{BB}/builders/5/builds/123/steps/2/logs/stdio", Sought(number=123, builder_id=5)),
        ("77", Sought(request=77, build=77, number=77)),
        ("#77", Sought(request=77, build=77, number=77)),
        ("build 77", Sought(build=77, number=77)),
        ("build #77", Sought(build=77, number=77)),
        ("request 77", Sought(request=77)),
        ("build request #77", Sought(request=77)),
        ("linux64-opt", Sought(builder="linux64-opt")),
        ("linux64-*", Sought(builder="linux64-*")),
        ("linux64-opt/123", Sought(builder="linux64-opt", number=123)),
        ("linux64-opt #123", Sought(builder="linux64-opt", number=123)),
        ("linux64-opt build 123", Sought(builder="linux64-opt", number=123)),
        ("a builder of words 9", Sought(builder="a builder of words", number=9)),
        ("1" * 19, Sought(builder="1" * 19)),
        ("x" * 300, Sought()),
        ("", Sought()),
    ],
)
def test_what_is_meant(text: str, meant: Sought) -> None:
    assert sought(text) == meant


def test_it_is_said_how_it_was_understood() -> None:
    assert sought(TASK).words == f"task {TASK} or task group {TASK} or builder {TASK}"
    assert sought(f"{TASK}/2").words == f"run {TASK}/2"
    assert sought("77").words == "build request 77 or build 77 or build number 77"
    assert sought("linux64-opt #9").words == "build number 9 of linux64-opt"
    assert sought("linux64-*").words == "builder linux64-*"
    assert sought("\x00").words == ""


@given(st.text(max_size=500))
def test_whatever_is_typed_is_within_what_the_database_has(text: str) -> None:
    what = sought(text)
    for number in (what.request, what.build, what.number, what.builder_id):
        assert number is None or 0 <= number < 1 << 63
    assert what.builder is None or (0 < len(what.builder) <= 256 and "\x00" not in what.builder)
