"""The example file loads, shows every setting, and does not lie about defaults."""

import re
import tomllib
from pathlib import Path
from typing import Any

from bridge.settings import load
from bridge.settings.shown import advice
from tests.unit.settings.walk import settings

EXAMPLE = Path(__file__).parents[3] / "docker" / "bridge.example.toml"
COMMENTED = re.compile(r"^# ([a-z_-]+ = .+)$", re.MULTILINE)
CHOSEN = {"main", "linux", "linux64-flaky"}


def uncommented() -> dict[str, Any]:
    return tomllib.loads(COMMENTED.sub(r"\1", EXAMPLE.read_text()))


def paths(table: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, value in table.items():
        here = (*path, "*" if name in CHOSEN else name)
        found |= paths(value, here) if isinstance(value, dict) and here != ("web", "ports") else {here: value}
    return found


def test_it_loads_with_its_secrets_in_place(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    for name, content in {
        "taskcluster-token": "t",
        "pulse-url": "amqps://bridge:p@pulse.example.org/%2F",
        "database-dsn": "postgresql://bridge:p@db.example.org/bridge",
        "buildbot-token": "t",
    }.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
        text = text.replace(f"/run/secrets/{name}", str(tmp_path / name))
    (tmp_path / "bridge.toml").write_text(text)
    loaded = load(tmp_path / "bridge.toml")
    assert loaded.pools["linux"].task_queue == "proj-example/linux"
    assert list(advice(loaded)) == []


def test_it_shows_every_setting_and_no_other() -> None:
    known = {path for path, _ in settings()}
    shown = set(paths(uncommented()))
    single = {path for path in known if path[:3] == ("pools", "*", "builders_results")}  # explained by one line of them
    assert known - shown - single == set()
    assert shown - known == set()
    assert shown & single


def test_what_is_commented_out_is_the_default() -> None:
    shown, active = paths(uncommented()), paths(tomllib.loads(EXAMPLE.read_text()))
    wrong = {}
    for path, field in settings():
        if path in active or path not in shown or field.is_required() or field.default is None:
            continue
        value = tuple(shown[path]) if isinstance(shown[path], list) else shown[path]
        if value != field.get_default(call_default_factory=True) and path[-1] not in {
            "deny",
            "left_alone",
            "redact_text",
            "ports",
        }:
            wrong[path] = value
    assert wrong == {}


def test_every_line_of_words_fits_the_page() -> None:
    assert [line for line in EXAMPLE.read_text().splitlines() if len(line) > 125] == []
