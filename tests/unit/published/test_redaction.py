"""What may not be published is masked, wherever it stands; everything else stays, quickly."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from bridge.published.redaction import MASK, SHORTEST, Redactor
from bridge.settings import secret
from bridge.settings.artifacts import ArtifactsSettings

NAMES = ArtifactsSettings().redact
TOKEN = "Zk3-canary/9+Q=x"
ODD = "ca\"na'ry\\wörd x"


def redactor(*secrets: str, names: tuple[str, ...] = NAMES, patterns: tuple[str, ...] = ()) -> Redactor:
    return Redactor(lambda: secrets, names, patterns)


def test_the_mask_is_that_of_the_settings() -> None:
    assert MASK == secret.MASK


# --- the bridge's own secrets, and those of the build


@pytest.mark.parametrize("spelled", [str, repr, json.dumps, shlex.quote, lambda text: quote(text, safe="")])
@pytest.mark.parametrize("value", [TOKEN, "plain-canary", "with space"])
def test_a_secret_is_masked_however_it_is_quoted(value: str, spelled: Callable[[str], str]) -> None:
    text = f"before {spelled(value)} after\nnext\n"
    shown = redactor(value).text(text)
    assert value not in shown
    assert spelled(value).strip("\"'") not in shown
    assert re.fullmatch(rf"before ['\"]?{re.escape(MASK)}['\"]? after\nnext\n", shown)


@pytest.mark.parametrize("spelled", [str, repr, json.dumps, lambda text: quote(text, safe="")])
def test_odd_characters_do_not_hide_one(spelled: Callable[[str], str]) -> None:
    shown = redactor(ODD).text(f"before {spelled(ODD)} after\n")
    assert "ry" not in shown.replace("[secret]", "")


def test_the_secrets_are_those_of_now() -> None:
    now = ["first-canary"]
    masking = Redactor(lambda: now)
    assert masking.text("first-canary second-canary\n") == f"{MASK} second-canary\n"
    now[:] = ["second-canary"]
    assert masking.text("first-canary second-canary\n") == f"first-canary {MASK}\n"


def test_one_within_another_leaves_nothing_of_it() -> None:
    assert redactor("canary", "my-canary-2").text("my-canary-2 canary\n") == f"{MASK} {MASK}\n"


def test_what_is_short_stays() -> None:
    assert redactor("x" * (SHORTEST - 1), "").text("xxxxx\n") == "xxxxx\n"


def test_each_line_of_a_long_secret_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END KEY-----\n"
    assert redactor(key).text(f"a key:\n{key}") == f"a key:\n{MASK}\n{MASK}\n{MASK}\n{MASK}\n"
    assert "MIIE" not in redactor(key).text(f"the key is {json.dumps(key)}\n")


def test_values_of_secret_properties_are_masked_in_text_about_that_build_only() -> None:
    properties = {
        "MY_TOKEN": ("canary-1", "Change"),
        "revision": ("abcdef123456", "Build"),
        "settings": ({"db": {"password": "canary-2", "host": "db.example.com"}, "list": [{"api_key": ["canary-3"]}]}, "x"),
        "secrets": ([{"name": "canary-4"}], "x"),
        "has_token": (True, "x"),
        "token_2": ("short", "x"),
    }
    text = "canary-1 canary-2 canary-3 canary-4 abcdef123456 db.example.com True short\n"
    masking = redactor()
    assert masking.of_build(properties)(text) == f"{MASK} {MASK} {MASK} {MASK} abcdef123456 db.example.com True short\n"
    assert masking.of_build({})(text) == text


# --- values beside their names


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  MY_TOKEN=abc", f"  MY_TOKEN={MASK}"),
        ("  MY_TOKEN=abc def ghi", f"  MY_TOKEN={MASK}"),
        ("MY_TOKEN: abc", f"MY_TOKEN: {MASK}"),
        ("export MY_TOKEN='abc'", f"export MY_TOKEN={MASK}"),
        ('declare -x MY_TOKEN="a b"', f"declare -x MY_TOKEN={MASK}"),
        ("set my_token=a", f"set my_token={MASK}"),
        ("$ MY_TOKEN=abc make all", f"$ MY_TOKEN={MASK} make all"),
        ("run -e DB_PASSWORD='a b' -e X=1", f"run -e DB_PASSWORD={MASK} -e X=1"),
        ("run --api_key=abc --jobs=4", f"run --api_key={MASK} --jobs=4"),
        ("Authorization-Token: Bearer a b", f"Authorization-Token: {MASK}"),
        ("curl -H 'X-Token: Bearer a' x", f"curl -H 'X-Token: {MASK}"),
        ('{"token": "a\\"b", "x": 1}', '{"token": ' + MASK + ' "x": 1}'),
        ('{"token":"ab","x":1}', '{"token":' + MASK),
        ("{'password': u'ab', 'x': 1}", "{'password': " + MASK + " 'x': 1}"),
        (r'"{\"secret\": \"ab\", \"x\": 1}"', r'"{\"secret\": ' + MASK),
        ("GET /?a=1&token=abc HTTP", f"GET /?a=1&token={MASK} HTTP"),
        ("a=token=abc", f"a=token={MASK}"),
        ("FOO=bar MY_SECRET=x", f"FOO=bar MY_SECRET={MASK}"),
        ("spring.password=x y", f"spring.password={MASK}"),
        ("'secret' => 'x'", f"'secret' => {MASK}"),
        ("password := x", f"password := {MASK}"),
        ('token == "abc"', f"token == {MASK}"),
        ('MY_TOKEN="abc', f"MY_TOKEN={MASK}"),
        ('x MY_TOKEN="abc def', f"x MY_TOKEN={MASK} def"),
        ("ÄTOKEN=abc", f"ÄTOKEN={MASK}"),
        ("İ MY_TOKEN=abc x", f"İ MY_TOKEN={MASK} x"),
        ("\udc80 MY_TOKEN=a\udc81b x", f"\udc80 MY_TOKEN={MASK} x"),
        ("MY_TOKEN=abc\r", f"MY_TOKEN={MASK}"),
    ],
)  # fmt: skip
def test_values_of_secret_names_are_masked(line: str, shown: str) -> None:
    for before, after in (("", "\n"), ("x\n", "\n"), ("x\n", "\ny=z\n")):
        assert redactor().text(before + line + after) == before + shown + after


@pytest.mark.parametrize(
    "line",
    [
        "MY_TOKEN=",
        "PATH=/usr/bin:/bin",
        "src/secret.c:12:5: error: expected",
        "src/token.c: In function 'main':",
        "tests/test_tokens.py::test_one PASSED",
        "the tokens are fine",
        "compiling tokenizer",
        "password",
        "token",
        "MONKEY=1 keyboard: qwerty",
        "std::secret::value",
    ],
)
def test_what_only_looks_alike_stays(line: str) -> None:
    assert redactor().text(f"{line}\n") == f"{line}\n"


@pytest.mark.parametrize(
    ("names", "line", "masked"),
    [
        (("password",), "password=x", True),
        (("password",), "--password=x", True),
        (("password",), "db.password=x", True),
        (("password",), "passwords=x", False),
        (("pass*",), "PASSWORDS=x", True),
        (("*",), "anything=x", True),
        (("[kx]ey",), "KEY=x", True),
        (("[!k]ey",), "KEY=x", False),
        (("?",), "a=x", True),
        (("K_[*]",), "k_*=x", False),
        ((), "token=x", False),
        (("straße*",), "STRASSE=x", False),
        (("a*b*longest*c",), "a_b_longest_c=x", True),
    ],
)  # fmt: skip
def test_patterns_of_names_are_as_in_a_shell(names: tuple[str, ...], line: str, masked: bool) -> None:
    shown = redactor(names=names).text(f"{line}\n")
    assert shown == (f"{line.partition('=')[0]}={MASK}\n" if masked else f"{line}\n")


# --- configured expressions


@pytest.mark.parametrize(
    ("pattern", "line", "shown"),
    [
        (r"gh[pso]_\w{4}", "x ghp_abcd y ghs_1234", f"x {MASK} y {MASK}"),
        (r"key (\w+) of", "the key abc of x", f"the key {MASK} of x"),
        (r"^start(\d*)", "start1 start2", f"start{MASK} start2"),
        (r"end$", "the end", f"the {MASK}"),
        (r"(a)|b", "a b c", f"{MASK} {MASK} c"),
        (r"x*", "abc", "abc"),
        (r"(x*)y", "xxy y", f"{MASK}y y"),
        (r"\Aone", "one one", f"{MASK} one"),
        (r"a\s+b", "a  b a", f"{MASK} a"),
    ],
)
def test_expressions_mask_what_they_match_or_their_first_group(pattern: str, line: str, shown: str) -> None:
    assert redactor(patterns=(pattern,)).text(f"{line}\n{line}\n") == f"{shown}\n{shown}\n"


# --- all together

LINES = some.lists(
    some.text(some.sampled_from("ab \t=:'\"\\\n,{}-_.[]"), max_size=12)
    | some.sampled_from(
        ["token", "MY_TOKEN=", "password: ", "export ", "canary-1", "x canary", "ghp_aa", "\r", "İ", "\udc80"]
    ),
    max_size=12,
).map("".join)
ALL = redactor("canary-1", "two\nlines-of-canary", patterns=(r"ghp_\w\w", r"^a+\s"))


@given(LINES, LINES)
@example("a\n", "\n")
def test_it_makes_no_difference_how_many_lines_come_together(first: str, second: str) -> None:
    first, second = first + "\n", second + "\n"
    shown = ALL.text(first + second)
    assert shown == ALL.text(first) + ALL.text(second)
    assert shown.count("\n") == (first + second).count("\n")


@given(LINES)
def test_what_is_masked_stays_masked(text: str) -> None:
    shown = ALL.text(text + "\n")
    assert "canary-1" not in shown
    assert "ghp_aa" not in shown


HOSTILE = {
    "one word": "a" * 1_000_000,
    "names": "token" * 200_000,
    "equal signs": "token=" * 200_000,
    "chains": "a=" * 500_000 + "token",
    "chains of names": "a.token=" * 100_000,
    "lines": "token\n" * 100_000,
    "quotes": "token=\"\\'" * 100_000,
    "one quote": 'x token="' + "\\" * 1_000_000,
    "quotes and blanks": "x token = ' " * 90_000,
    "blanks": "token" + " " * 1_000_000 + "=",
    "blanks before": " " * 1_000_000 + "token",
    "lines of blanks": ("token" + " " * 100 + "\n") * 10_000,
    "exports": "export " * 150_000 + "token",
    "dots": "token" + ".-" * 500_000 + "=x",
    "colons": "token: " * 150_000,
    "letters of strings": "token=" + "u" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_makes_it_slow(name: str) -> None:
    masking = redactor(TOKEN)
    masking.text(HOSTILE[name][:1000])
    started = time.process_time()
    masking.text(HOSTILE[name] + "\n")
    assert time.process_time() - started < 2  # a tenth of that in fact; quadratic time would be minutes


def test_a_log_passes_at_more_than_20_megabytes_a_second() -> None:
    line = "[task 2026-03-01T12:00:00.000Z] 12:00:00     INFO - g++ -O2 -c src/lib/tokenizer.cc -o obj/lib.o: ok=1\n"
    rest = "".join(
        f"{number:06} make[4]: Leaving directory '/builds/worker/obj-{number}/gfx/skia'\n" for number in range(60)
    )
    text = (line + rest) * 2000
    masking = redactor(*(f"{number}-{TOKEN}" for number in range(8)), patterns=(r"ghp_\w{36}",))
    fastest = min(_seconds(lambda: masking.text(text)) for _ in range(3))
    assert len(text) / fastest > 20e6


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def test_a_build_with_too_many_lines_of_secrets_shows_nothing() -> None:
    # each line is looked for in each piece of a log: ten thousand would take a second for every half megabyte
    redactor = Redactor(tuple, ("*secret*",))
    few = redactor.of_build({"a_secret": ("\n".join(f"line-{n:05}" for n in range(1000)), "step")})
    assert few("a line-00007\nb\n") == "a [secret]\nb\n"
    many = redactor.of_build({"a_secret": ("\n".join(f"line-{n:05}" for n in range(1001)), "step")})
    assert many("a line-00007\n\nb\n") == "[secret]\n\n[secret]\n"
