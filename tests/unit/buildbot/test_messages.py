"""What the plugin says becomes a value, or is not taken for the plugin's word."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.buildbot import messages
from bridge.core.request import BuildState, RequestState

BUILD: dict[str, Any] = {
    "buildid": 31, "number": 2, "builderid": 9, "worker": "linux-3", "workerid": 3, "started_at": 1795180593,
    "complete_at": 1795180594, "results": 0, "state_string": "build successful", "interrupted": None,
}  # fmt: skip
STATE: dict[str, Any] = {
    "buildrequestid": 52, "external_id": "RQ6OGWNuRYCLxPGx9t3GZg/0", "builder": "b", "claimed": True, "complete": True,
    "results": 0, "submitted_at": 1795180500, "complete_at": 1795180594, "priority": 0, "interrupted": None,
    "builds": [BUILD],
}  # fmt: skip


def state(**changes: object) -> RequestState:
    return messages.State.model_validate_json(json.dumps(STATE | changes)).value()


def test_a_complete_state_becomes_a_value() -> None:
    assert state() == RequestState(
        request_id=52,
        external_id="RQ6OGWNuRYCLxPGx9t3GZg/0",
        claimed=True,
        complete=True,
        results=0,
        complete_at=datetime(2026, 11, 20, 13, 16, 34, tzinfo=UTC),
        submitted_at=datetime(2026, 11, 20, 13, 15, tzinfo=UTC),
        priority=0,
        master_shutdown=False,
        builds=(
            BuildState(
                build_id=31,
                number=2,
                builder_id=9,
                worker="linux-3",
                started_at=datetime(2026, 11, 20, 13, 16, 33, tzinfo=UTC),
                complete_at=datetime(2026, 11, 20, 13, 16, 34, tzinfo=UTC),
                results=0,
                interrupted=None,
                state_string="build successful",
            ),
        ),
    )


@pytest.mark.parametrize("results", [None, -1])
def test_an_open_request_has_no_results(results: int | None) -> None:
    assert state(complete=False, results=results, complete_at=None).results is None


def test_builds_are_sorted_and_the_newest_is_the_last() -> None:
    builds = [BUILD | {"buildid": 40}, BUILD | {"buildid": 7, "results": 5}, BUILD | {"buildid": 12, "results": 5}]
    value = state(builds=builds)
    assert [build.build_id for build in value.builds] == [7, 12, 40]
    assert value.newest == value.builds[-1]
    assert state(builds=[]).newest is None


def test_a_master_stop_is_told_apart() -> None:
    assert state(results=6, interrupted="master-shutdown").master_shutdown
    assert not state(results=6).master_shutdown


def test_fields_of_a_newer_plugin_are_passed_over() -> None:
    assert state(something_new={"x": 1}) == state()


@pytest.mark.parametrize(
    "changes",
    [
        {"buildrequestid": "52"}, {"buildrequestid": 52.0}, {"complete": 1}, {"builds": None}, {"submitted_at": None},
        {"builds": [BUILD | {"worker": None}]}, {"external_id": None}, {"complete_at": "2026-11-20"},
        {"submitted_at": 10**18}, {"complete_at": -1}, {"buildrequestid": 2**63}, {"results": 2**31}, {"results": -2},
        {"builds": [BUILD | {"started_at": 2**62}]}, {"builds": [BUILD | {"buildid": -1}]},
    ],
)  # fmt: skip
def test_other_shapes_are_not_taken_for_a_state(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        state(**changes)


def test_missing_must_be_said() -> None:
    answer = {"epoch": "e", "seq": 1, "states": [STATE, {"buildrequestid": 9, "missing": True}]}
    parsed = messages.StatesAnswer.model_validate_json(json.dumps(answer))
    assert [type(entry) for entry in parsed.states] == [messages.State, messages.Unknown]
    for entry in ({"buildrequestid": 9}, {"buildrequestid": 9, "missing": False}):
        with pytest.raises(ValidationError):
            messages.StatesAnswer.model_validate_json(json.dumps(answer | {"states": [entry]}))
