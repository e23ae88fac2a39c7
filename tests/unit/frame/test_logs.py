"""Log lines: one form for machines, one for people, and no secret in either."""

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bridge import logs

SECRET = 'canary "quoted"\\ ünd more'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    names = ("taskcluster", "mohawk", "aiohttp", "aiohttp.access", "aio_pika", "aiormq", "asyncio", "asyncpg")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Callable[..., Callable[[], list[dict[str, Any]]]]:
    def configure(level: str = "info", secrets: tuple[str, ...] = (SECRET,)) -> Callable[[], list[dict[str, Any]]]:
        stream = io.StringIO()
        logs.configure("auto", level, lambda: secrets, stream=stream, service="reflector", replica="r1")
        return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]

    return configure


Lines = Callable[..., Callable[[], list[dict[str, Any]]]]


def test_a_line_is_json_with_event_level_time_and_who(lines: Lines) -> None:
    said = lines()
    logs.logger().info("run_moved", to="queued")
    (line,) = said()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "run_moved", "level": "info", "to": "queued", "service": "reflector", "replica": "r1"}


async def test_what_a_line_is_about_is_bound_for_one_task_alone(lines: Lines) -> None:
    said = lines()

    async def work(number: int) -> None:
        with logs.about(task="T", run=number, request=None):
            await asyncio.sleep(0)
            logs.logger().info("worked", number=number)

    await asyncio.gather(work(0), work(1))
    logs.logger().info("after")
    assert [(line.get("run"), line.get("number")) for line in said()] == [(0, 0), (1, 1), (None, None)]
    assert "request" not in said()[0]


def test_lines_of_libraries_take_the_same_way(lines: Lines) -> None:
    said = lines()
    with logs.about(task="T"):
        logging.getLogger("somewhere.else").warning("lost %s of %d", "one", 2)
    (line,) = said()
    assert (line["event"], line["library"], line["level"], line["task"]) == (
        "lost one of 2",
        "somewhere.else",
        "warning",
        "T",
    )


def test_warnings_of_python_are_lines_too(lines: Lines) -> None:
    said = lines()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    assert [line["library"] for line in said()] == ["py.warnings"]


@pytest.mark.parametrize(
    ("name", "lowest"),
    [
        ("taskcluster", "INFO"),
        ("mohawk", "INFO"),
        ("aio_pika", "WARNING"),
        ("aiormq", "WARNING"),
        ("aiohttp.access", "WARNING"),
    ],
)
def test_even_at_debug_no_library_tells_its_secrets(lines: Lines, name: str, lowest: str) -> None:
    said = lines("debug")
    logging.getLogger(name).debug("Authorization: x")
    assert said() == []
    assert logging.getLogger(name).getEffectiveLevel() == logging.getLevelNamesMapping()[lowest]


def test_the_level_holds_for_libraries_as_well(lines: Lines) -> None:
    said = lines("error")
    logging.getLogger("aio_pika").warning("no")
    logs.logger().warning("no")
    logs.logger().error("yes")
    assert [line["event"] for line in said()] == ["yes"]


class DeniedError(Exception):
    pass


def denied(text: str) -> None:
    raise DeniedError(text)


def test_no_form_of_a_secret_comes_through(lines: Lines) -> None:
    said = lines(secrets=(SECRET, "p@ss/word", "p%40ss%2Fword", "abc"))
    logs.logger().info("connecting", url="amqps://u:p%40ss%2Fword@h", deep={"list": [SECRET]}, password="p@ss/word")
    logging.getLogger("lib").warning("got %r", SECRET)
    try:
        denied(SECRET)
    except DeniedError:
        logs.logger().exception("failed")
    text = json.dumps(said(), ensure_ascii=False)
    assert "canary" not in text
    assert "word" not in text.replace('"password"', "")
    assert "Traceback" in text
    assert text.count(logs.MASK) == 5
    logs.logger().info("abcdef")
    assert said()[-1]["event"] == "abcdef"


def test_on_a_terminal_lines_are_words_without_local_variables() -> None:
    stream = Terminal()
    logs.configure("auto", "info", lambda: (SECRET,), stream=stream, service="all", replica="r1")
    canary = "a local variable's value"
    try:
        denied(f"{SECRET}!")
    except DeniedError:
        logs.logger().exception("failed", task="T")
    text = stream.getvalue()
    assert "failed" in text
    assert "Traceback" in text
    assert "\x1b[" in text
    assert canary not in text.replace('canary = "a local variable\'s value"', "")
    assert "quoted" not in text


def test_a_form_can_be_forced() -> None:
    stream = Terminal()
    logs.configure("json", "info", tuple, stream=stream, service="all", replica="r1")
    logs.logger().info("x")
    assert json.loads(stream.getvalue())["event"] == "x"
