"""Tokens, patterns and limits of the administrator."""

import pytest

from bridge.master import policy

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("patterns", "name", "is_open"),
    [
        (["*"], "anything", True),
        (["linux-*"], "linux-64", True),
        (["linux-*"], "my-linux-64", False),
        (["linux"], "linux-64", False),
        (["linux"], "LINUX", False),
        (["a", "b?"], "b1", True),
        (["a.c"], "abc", False),
        (["a"], "a\n", False),
        (["[ab]x"], "bx", True),
        ([], "a", False),
        ([], "", False),
    ],
)
def test_patterns_cover_whole_names(patterns: list[str], name: str, is_open: bool) -> None:
    assert (policy.matcher(patterns).fullmatch(name) is not None) == is_open


def test_limits_are_for_all_or_by_name() -> None:
    assert policy.limit_for("a", 7, 200) == 7
    assert policy.limit_for("a", {"a": 3, "*": 9}, 200) == 3
    assert policy.limit_for("b", {"a": 3, "*": 9}, 200) == 9
    assert policy.limit_for("b", {"a": 3}, 200) == 200


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer " + TOKEN.encode(),
        b"bearer " + TOKEN.encode(),
        b"Bearer   " + TOKEN.encode() + b" ",
        b"Bearer second-token-0123",
    ],
)
def test_each_accepted_token_is_admitted(header: bytes) -> None:
    assert policy.Tokens((TOKEN, "second-token-0123")).admit(header)


@pytest.mark.parametrize(
    "header",
    [None, b"", b"Bearer", b"Bearer ", b"Bearer " + TOKEN[:-1].encode(), b"Basic " + TOKEN.encode(), TOKEN.encode()],
)
def test_nothing_else_is(header: bytes | None) -> None:
    assert not policy.Tokens((TOKEN,)).admit(header)
    assert not policy.Tokens(()).admit(header)


def test_tokens_do_not_show_themselves() -> None:
    assert TOKEN not in repr(policy.Tokens((TOKEN,)))


@pytest.mark.parametrize("tokens", [None, [], "text", [""], [" " * 20], ["short"], [5], [TOKEN, ""], ["ü" * 20]])
def test_what_cannot_guard_is_refused(tokens: object) -> None:
    assert policy.token_problem(tokens)
    assert policy.token_problem([TOKEN]) is None


@pytest.mark.parametrize("release", ["4.0.0", "4.3.0", "10.1", "4.4.0.dev12", "latest", ""])
def test_a_buildbot_that_will_do_is_let_in(release: str) -> None:
    assert policy.release_problem(release) is None


@pytest.mark.parametrize("release", ["3.11.9", "2.1", "0.8.14"])
def test_an_older_one_is_told_so(release: str) -> None:
    assert policy.release_problem(release) == (
        f"needs Buildbot 4.0 or newer, and this master is {release}: upgrade it before you add the plugin"
    )
