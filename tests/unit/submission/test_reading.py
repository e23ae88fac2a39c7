"""What people write on the command line and into files, and what they read when they erred."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import slugid

from bridge.definition import DefinitionError, Node
from bridge.definition.graph_file import graph_of
from bridge.submission.durations import duration
from bridge.submission.ids import group_id
from bridge.submission.properties import properties
from bridge.submission.wish import Wish, sound

WISH = Wish(task_queue="proj-demo/buildbot", owner="o", source="https://example.org")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1d", 86400),
        ("90d", 90 * 86400),
        ("12h30m", 45000),
        ("45s", 45),
        ("2 weeks", 1209600),
        ("1 day 2 hours", 93600),
        (" 1 Day ", 86400),
        ("3min", 180),
        ("1year", 31536000),
    ],
)
def test_a_span_of_time(text: str, seconds: int) -> None:
    assert duration(text, "--deadline") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "d", "-1d", "1.5h", "1d x", "0s", "1month", "1mo", "9999y", "1d1", "²d", "1dd"])
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(
        DefinitionError, match=r"^--deadline: .* is no span of time\. Write it as 30m, 12h, 1d or 2 weeks\.$"
    ):
        duration(text, "--deadline")


def test_properties_are_text_or_json() -> None:
    assert properties(["a=1", "b=x=y", "c="], ['d={"e": [1, null]}', 'f="x"']) == {
        "a": "1",
        "b": "x=y",
        "c": "",
        "d": {"e": [1, None]},
        "f": "x",
    }


@pytest.mark.parametrize(
    ("plain", "as_json", "said"),
    [
        (["a"], [], "--property: 'a' has no name and value. Write it as --property name=value."),
        (["=a"], [], "--property: '=a' has no name and value."),
        (["a=1", "a=2"], [], "--property: the property 'a' is given twice."),
        (["a=1"], ["a=2"], "--property-json: the property 'a' is given twice."),
        ([], ["a=x"], "--property-json: the value of 'a' is not JSON: x. Put strings in double quotes"),
        ([], ["a="], "the value of 'a' is not JSON"),
        ([], ["a=" + "[" * 100_000], "the value of 'a' is not JSON"),
    ],
)
def test_properties_that_cannot_be_read(plain: list[str], as_json: list[str], said: str) -> None:
    with pytest.raises(DefinitionError) as error:
        properties(plain, as_json)
    assert str(error.value).startswith(said) or said in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        '{"build": ["unit tests", "package"]}',
        "build:\n  - unit tests\n  - package\n",
        "# a comment\nbuild: {unit tests: , package: }\n",
        "x-list: &list [unit tests, package]\n".replace("x-list: &list", "build:"),
    ],
)
def test_a_graph_is_yaml_or_json(text: str) -> None:
    nodes = (Node("build", ()), Node("unit tests", ("build",)), Node("package", ("build",)))
    assert graph_of(text, "--graph f") == nodes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--graph f: must map builders"),
        ("- a\n", "--graph f: must map builders"),
        ("a: [b\n", "--graph f: is neither YAML nor JSON: "),
        ("a:\n  - b\na:\n  - c\n", "--graph f: is neither YAML nor JSON: 'a' stands there twice in line 3."),
        ('{"a": {"b": null, "b": null}}', "'b' stands there twice in line 1"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "--graph f: is neither YAML nor JSON: could not determine a constructor",
        ),
        ("a: [2026-13-13]\n", "--graph f: cannot be read as YAML"),
        ("a: " + "[" * 5000, "--graph f"),
        ("a: \x00\n", "--graph f: is neither YAML nor JSON"),
        ("a: [on]\n", "--graph f['a']: True is not a builder's name. Put it in quotes"),
        ("a: [b]\nb: [a]\n", "--graph f: goes in a circle: "),
        ("a: &a\n  b: *a\n", "--graph f: "),
        ("a: [b*]\n", "ends in `*`"),
        ("? [a]\n: b\n", "--graph f: "),
        ("? {a: b}\n: c\n", "--graph f: is neither YAML nor JSON: found unhashable key"),
    ],
)
def test_a_graph_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(DefinitionError) as error:
        graph_of(text, "--graph f")
    assert said in str(error.value)
    assert str(error.value).startswith("--graph f")
    assert len(str(error.value)) < 500


def test_a_wish_that_the_queue_takes_is_left_as_it_is() -> None:
    assert sound(WISH) is WISH


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task_queue": "proj"}, "--task-queue: 'proj' is not allowed by Taskcluster. Write provisionerId/workerType"),
        ({"task_queue": "proj/Linux"}, "--task-queue: 'proj/Linux'"),
        ({"task_queue": "proj/linux\n"}, "--task-queue: "),
        ({"scheduler_id": ""}, "--scheduler-id: '' is not allowed"),
        ({"scheduler_id": "a.b"}, "--scheduler-id: 'a.b' is not allowed"),
        ({"project_id": "a b"}, "--project-id: 'a b' is not allowed"),
        ({"priority": "urgent"}, "--priority: 'urgent' is not one. There are: lowest, very-low, low,"),
        ({"scope_prefix": ""}, "--scope-prefix: '' cannot begin a scope"),
        ({"scope_prefix": "größe:"}, "--scope-prefix: 'größe:' cannot begin a scope"),
        ({"name": "x" * 256}, "--name: has 256 characters; Taskcluster allows 255."),
        ({"owner": "x" * 256}, "--owner: has 256 characters"),
        ({"source": "example.org"}, "--source: 'example.org' is no address. Begin it with https://"),
        ({"deadline": timedelta(days=5, seconds=1)}, "--deadline: is later than the 5 days"),
        ({"deadline": timedelta(hours=2), "expires": timedelta(hours=1)}, "--expires: is before the deadline."),
        ({"retries": 50}, "--retries: 50 is not allowed by Taskcluster. Write 0 to 49."),
        ({"retries": -1}, "--retries: -1 is not allowed"),
    ],
)
def test_a_wish_that_the_queue_would_refuse(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError) as error:
        sound(replace(WISH, **changes))
    assert str(error.value).startswith(said)
    assert len(str(error.value).splitlines()) == 1


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DefinitionError) as error:
        sound(replace(WISH, task_queue="x", priority="x", source="x", retries=99))
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "--task-queue",
        "--priority",
        "--source",
        "--retries",
    ]


def test_a_group_has_an_id() -> None:
    for slug in (slugid.nice(), slugid.v4(), "V4ZCcQxRTh6vOLwNVVqK2w"):
        assert group_id(slug, "X") == slug
    for text in ("", "short", "V4ZCcQxRTh6vOLwNVVqK2w\n", "V4ZCcQxRTh6vOLwNVVqK2wA", "V4ZCcQxR/h6vOLwNVVqK2w", "x" * 22):
        with pytest.raises(DefinitionError, match=r"^X: .* is not a taskGroupId\. Copy it from the group's page"):
            group_id(text, "X")
