"""Expand, then contract: a migration that older versions shall survive takes nothing from them."""

import re

import pytest

from bridge.store.migrate import migrations

FIRST_RELEASE = "0002"
"""Up to here no older version exists that could be at work."""
TAKES_AWAY = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|VIEW|TYPE|FUNCTION)|RENAME|ALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE|SET\s+NOT\s+NULL"
    r"|DROP\s+DEFAULT|TRUNCATE|DELETE\s+FROM|UPDATE\s+\w+\s+SET)\b",
    re.IGNORECASE,
)
COLUMN = re.compile(r"\bADD\s+COLUMN\s+[^,;]+", re.IGNORECASE)


def taken(text: str) -> list[str]:
    """What a migration takes from older versions: what they read, or the right to leave a new column out."""
    said = re.sub(r"--.*", "", text)
    demanded = [c for c in COLUMN.findall(said) if "NOT NULL" in c.upper() and "DEFAULT" not in c.upper()]
    return [found[0] for found in TAKES_AWAY.finditer(said)] + demanded


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE replicas",
        "ALTER TABLE runs\n    DROP COLUMN held",
        "ALTER TABLE runs RENAME held TO kept",
        "ALTER TABLE runs ALTER COLUMN builder SET NOT NULL",
        "ALTER TABLE runs ALTER attempts TYPE bigint",
        "ALTER TABLE runs ADD COLUMN region text NOT NULL",
        "UPDATE runs SET phase = 'paused'",
    ],
)
def test_what_takes_something_away_is_seen(text: str) -> None:
    assert len(taken(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE notes (id bigint PRIMARY KEY, note text NOT NULL)",
        "ALTER TABLE runs ADD COLUMN note text, ADD COLUMN region text NOT NULL DEFAULT 'here'",
        "ALTER TABLE runs DROP CONSTRAINT phase_known",
        "-- does not DROP TABLE runs\nCREATE INDEX runs_pool ON runs (pool)",
    ],
)
def test_what_only_adds_is_let_through(text: str) -> None:
    assert taken(text) == []


def test_migrations_that_older_versions_shall_survive_only_add() -> None:
    later = [migration for migration in migrations() if migration.number > FIRST_RELEASE]
    assert {m.name: found for m in later if m.since < m.number and (found := taken(m.text))} == {}
