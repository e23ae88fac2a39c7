"""Credentials: kept in memory as long as the queue accepts them, and shown to nobody."""

from __future__ import annotations

import pytest

from bridge.core import faults
from bridge.core.run import RunId, RunKey, TaskId
from bridge.taskcluster.credentials import Credentials, RunCredentials


def key(number: int) -> RunKey:
    return RunKey(TaskId("fN1SbArXTPSVFUUvaOlinQ"), RunId(number))


def test_secrets_are_not_shown() -> None:
    who = Credentials("name", "canary", '{"canary": 1}')
    kept = RunCredentials()
    kept.keep(key(0), who, 2e9)
    assert "canary" not in repr(who) + str(who) + repr(kept) + str(kept)


def test_they_are_held_until_four_minutes_after_their_expiry() -> None:
    clock = [1000.0]
    kept = RunCredentials(lambda: clock[0])
    kept.keep(key(0), Credentials("c", "t"), 2000.0)
    assert kept.of(key(0)) is not None
    assert kept.of(key(1)) is None
    clock[0] = 2239.0
    assert kept.of(key(0)) is not None
    clock[0] = 2240.0
    assert kept.of(key(0)) is None


def test_newer_ones_take_the_place_of_older_ones_and_forgotten_ones_are_gone() -> None:
    kept = RunCredentials(lambda: 0.0)
    kept.keep(key(0), Credentials("c", "old"), 10.0)
    kept.keep(key(0), Credentials("c", "new"), 20.0)
    found = kept.of(key(0))
    assert found is not None
    assert found.access_token == "new"
    kept.forget(key(0))
    kept.forget(key(0))
    assert kept.of(key(0)) is None


def test_runs_that_are_never_forgotten_do_not_stay_for_ever() -> None:
    clock = [0.0]
    kept = RunCredentials(lambda: clock[0])
    kept.keep(key(0), Credentials("c", "t"), 1e9)  # long-lived, and renewed all the time
    for number in range(1, 900):
        clock[0] += 60.0
        kept.keep(key(number), Credentials("c", "t"), clock[0] + 1200.0)
        kept.keep(key(0), Credentials("c", "t"), 1e9)
    assert len(kept) < 50
    assert kept.of(key(0)) is not None


@pytest.mark.parametrize(
    "who",
    [
        Credentials("c", "canary é"),
        Credentials("c", "canary\n"),
        Credentials("c", ""),
        Credentials("", "canary"),
        Credentials('"c"', "canary"),  # as from a file of variables that keeps the quotes
        Credentials("c\\", "canary"),
        Credentials("c", "canary", "canary, no JSON"),
        Credentials("c", "canary", "[]"),
    ],
)
def test_what_cannot_be_credentials_is_not_allowed_and_not_shown(who: Credentials) -> None:
    with pytest.raises(faults.NotAllowed) as caught:
        who.options()
    assert "canary" not in str(caught.value)


def test_only_what_is_there_is_given_to_the_client() -> None:
    assert Credentials("c", "t").options() == {"clientId": "c", "accessToken": "t"}
    assert Credentials("c", 't"\\').options()["accessToken"] == 't"\\'
    assert Credentials("c", "t", "{}").options()["certificate"] == "{}"
