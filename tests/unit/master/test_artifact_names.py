"""Which names files get as artifacts, and which they may not have."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.master import artifact_names as names
from bridge.master.artifact_names import Unusable


@pytest.mark.parametrize(
    ("path", "artifact", "public", "name"),
    [
        ("a.txt", None, True, "public/build/a.txt"),
        ("d/a b.txt", None, True, "public/build/d/a b.txt"),
        ("a.txt", None, False, "private/build/a.txt"),
        ("a.txt", "public/b", True, "public/b"),
        ("a.txt", "b", True, "public/b"),
        ("a.txt", "private/b", True, "public/private/b"),
        ("a.txt", "project/b", False, "project/b"),
        ("ü\n.txt", None, True, "public/build/%C3%BC%0A.txt"),
        ("100%.txt", None, True, "public/build/100%.txt"),
        ("\udcff", None, True, "public/build/%FF"),
        ("a.txt", "logs/live-log", True, "public/logs/live-log"),
    ],
)
def test_a_file_is_named(path: str, artifact: str | None, public: bool, name: str) -> None:
    assert names.of_file(path, artifact, public=public) == name


def test_files_are_named_below_the_given_directory() -> None:
    paths = ["out/a", "out/deep/b"]
    assert names.of_files(paths, "out", "x/", public=True) == {"out/a": "public/x/a", "out/deep/b": "public/x/deep/b"}
    assert names.of_files(paths, "", "x", public=True) == {"out/a": "public/x/out/a", "out/deep/b": "public/x/out/deep/b"}
    assert names.of_files(paths, "out", None, public=True) == {each: f"public/build/{each}" for each in paths}


@pytest.mark.parametrize(
    ("artifact", "public"),
    [
        ("public/", True), ("/a", True), ("a//b", True), ("a/../b", True), ("./a", True), ("a/", True), ("public/a", False),
        ("public/logs/live.log", True), ("logs/live_backing.log", True), ("logs/live-2.log", True),
        ("public/properties.json", True), ("public/properties-3.json", True), ("private/properties.json", False),
        ("buildbot/x/y", True), ("public/buildbot", True), ("chain-of-trust.json", True), ("chain-of-trust.json.asc", True),
        ("é" * 400, True),
    ],
)  # fmt: skip
def test_a_name_that_may_not_be_is_refused(artifact: str, public: bool) -> None:
    with pytest.raises(Unusable):
        names.of_file("a", artifact, public=public)


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(Unusable, match="two files"):
        names.of_files(["ü", "%C3%BC"], "", None, public=True)


@given(st.text(min_size=1, max_size=30), st.booleans())
def test_whatever_a_file_is_called_its_artifact_has_a_name_that_taskcluster_takes(path: str, public: bool) -> None:
    try:
        name = names.of_file(path, None, public=public)
    except Unusable:
        return
    assert re.fullmatch(r"[\x20-\x7e]{1,1024}", name)
    assert name.startswith("public/" if public else "private/")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("a.txt", "text/plain"), ("d.d/a.log", "text/plain"), ("a.html", "text/html"), ("a", "application/octet-stream"),
        ("a.tar.gz", "application/gzip"), ("a.log.gz", "application/gzip"), ("a.zip", "application/zip"),
        ("a.tar.xz", "application/x-xz"), ("a.txt.Z", "application/octet-stream"), ("x.json", "application/json"),
    ],
)  # fmt: skip
def test_the_end_of_a_name_tells_the_type_of_what_the_bytes_are(path: str, content_type: str) -> None:
    assert names.content_type(path, None) == content_type


def test_a_given_type_is_taken_if_a_header_can_hold_it() -> None:
    assert names.content_type("a.txt", "text/x-special; charset=utf-8") == "text/x-special; charset=utf-8"
    for given_type in ("", "text", "text/\n", "text/é", 5, "a/" + "b" * 300):
        with pytest.raises(Unusable):
            names.content_type("a.txt", given_type)


@pytest.mark.parametrize(("given_time", "seconds"), [(None, None), (60, 60), ("3600", 3600), (2**31 - 1, 2**31 - 1)])
def test_a_lifetime_is_seconds(given_time: object, seconds: int | None) -> None:
    assert names.lifetime(given_time) == seconds


@pytest.mark.parametrize("given_time", [0, -1, 1.5, "", "1h", True, "٣", 2**31, "9" * 30, [], {}])
def test_what_is_no_lifetime_is_refused(given_time: object) -> None:
    with pytest.raises(Unusable):
        names.lifetime(given_time)


@pytest.mark.parametrize(
    ("given_source", "backslashes", "source"),
    [
        ("a", False, "a"), ("./a//b/", False, "a/b"), (".", False, "."), ("a\\b", False, "a\\b"), ("a\\b", True, "a/b"),
        ("**/*.x", False, "**/*.x"), ("c:x", False, "c:x"), ("..a", False, "..a"),
    ],
)  # fmt: skip
def test_a_source_is_below_the_workdir(given_source: str, backslashes: bool, source: str) -> None:
    assert names.source(given_source, backslashes=backslashes) == source


@pytest.mark.parametrize(
    ("given_source", "backslashes"),
    [("", False), ("..", False), ("a/../b", False), ("/a", False), ("~/a", False), ("a\0", False), (None, False), (7, False),
     ("\\a", True), ("..\\a", True), ("c:\\a", True), ("\\\\host\\a", True)],
)  # fmt: skip
def test_a_source_elsewhere_is_refused(given_source: object, backslashes: bool) -> None:
    with pytest.raises(Unusable):
        names.source(given_source, backslashes=backslashes)


@pytest.mark.parametrize(
    ("pattern", "part"), [("*.x", ""), ("a/b/*.x", "a/b"), ("a/**/b/*", "a"), ("a?/b", ""), ("a/[b]/c", "a")]
)
def test_the_fixed_part_of_a_pattern_is_its_directory(pattern: str, part: str) -> None:
    assert names.fixed_part(pattern) == part
