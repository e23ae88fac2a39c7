"""What can be asked: each value in the one form that the document names."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from bridge.core.ledger import BEGINNING, END, Selection
from bridge.status.asked import Runs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_nothing_asked_is_everything() -> None:
    assert Runs().selection(NOW, ("linux",)) == Selection(served=("linux",))


def test_all_that_can_be_asked_comes_through() -> None:
    asked = Runs.model_validate(
        {
            "phase": ["queued", "building"],
            "pool": ["linux"],
            "builder": "linux64-*",
            "taskGroupId": "G" * 22,
            "taskId": "E" * 22,
            "requestId": "7",
            "buildId": "8",
            "settled": "false",
            "stuck": "true",
            "minAge": "60",
            "maxAge": "3600",
            "limit": "5",
        }
    )
    assert asked.selection(NOW, ("linux",)) == Selection(
        settled=False,
        phases=("queued", "building"),
        pools=("linux",),
        builder="linux64-*",
        task_group_id="G" * 22,
        task_id="E" * 22,
        request_id=7,
        build_id=8,
        before=NOW - timedelta(minutes=1),
        since=NOW - timedelta(hours=1),
        suspects=True,
        served=("linux",),
    )


def test_an_age_beyond_all_rows_is_none() -> None:
    found = Runs(min_age=None, max_age=100 * 365 * 86400).selection(NOW, ())
    assert (found.since, found.before) == (BEGINNING, END)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "1.0"),
        ("limit", "+1"),
        ("limit", "٣"),
        ("limit", ""),
        ("settled", "yes"),
        ("settled", "True"),
        ("stuck", "1"),
        ("phase", ["queue"]),
        ("phase", "queued"),
        ("requestId", "0"),
        ("requestId", "9223372036854775808"),
        ("requestId", "9" * 5000),
        ("buildId", "-1"),
        ("taskId", "E" * 21),
        ("taskId", "E" * 22 + "\n"),
        ("builder", ""),
        ("builder", "a\0b"),
        ("builder", "a\nb"),
        ("pool", ["Linux"]),
        ("continuationToken", "ä"),
        ("colour", "blue"),
    ],
)
def test_what_has_another_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Runs.model_validate({name: value})
    assert [each["loc"][0] for each in refused.value.errors()] == [name]
