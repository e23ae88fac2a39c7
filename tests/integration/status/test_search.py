"""The search and the judgement over HTTP: by each name that the rows have, bounded, and in words where a side is away."""

import pytest

from bridge.store.runs import Runs
from tests.integration.status.serving import Served
from tests.integration.status.test_api import GROUP, everything
from tests.integration.store.rows import TASK, wanted

BUILDER = "linux64-opt"


@pytest.mark.parametrize(
    ("q", "found"),
    [
        (TASK, {("task", run) for run in range(7)}),
        (f"{TASK}/3", {("task", 3)}),
        (f"https://tc.example.org/tasks/{TASK}/runs/2", {("task", 2)}),
        (GROUP, {("group", run) for run in range(7)}),
        (f"https://tc.example.org/tasks/groups/{GROUP}", {("group", run) for run in range(7)}),
        ("request 7", {("request", run) for run in (1, 2, 3, 5, 6)}),
        ("build 4", {("build", run) for run in (2, 3, 5, 6)}),
        ("linux64-o", {("builder", run) for run in range(7)}),
        ("windows", set()),
        ("\x07", set()),
    ],
)
async def test_runs_are_found_by_their_names(store: Runs, api: Served, q: str, found: set[tuple[str, int]]) -> None:
    await everything(store)
    said = (await api.get("search", q=q)).json
    assert {(hit["foundAs"], hit["run"]["runId"]) for hit in said["hits"]} == found
    assert said["more"] == []


async def test_a_build_number_is_asked_of_buildbot_and_one_that_is_away_is_said(store: Runs, api: Served) -> None:
    await everything(store)
    said = (await api.get("search", q=f"{BUILDER} #17")).json
    assert said["words"] == f"build number 17 of {BUILDER}"
    assert (said["hits"], said["lookedAt"]) == ([], 1)
    assert said["errors"][0].startswith("Buildbot main: ")


async def test_no_more_than_twenty_of_a_kind_are_given_and_that_there_are_others_is_said(store: Runs, api: Served) -> None:
    await store.insert([wanted(number) for number in range(30)])
    said = (await api.get("search", q=TASK)).json
    assert len(said["hits"]) == 20
    assert said["more"] == ["task"]


async def test_what_cannot_be_a_question_is_refused(api: Served) -> None:
    for query in ({}, {"q": ""}, {"q": "x" * 501}, {"q": "x", "kind": "task"}):
        assert (await api.get("search", **query)).status == 400


async def test_without_services_nothing_is_healthy(api: Served) -> None:
    said = (await api.get("health")).json
    assert (said["state"], [problem["name"] for problem in said["problems"]]) == ("ill", ["nobody_serves"])


async def test_whether_the_bridge_is_healthy_is_told(store: Runs, api: Served) -> None:
    await everything(store)
    await store.database.fetch("UPDATE replicas SET seen_at = now()")
    said = (await api.get("health")).json
    names = [problem["name"] for problem in said["problems"]]
    assert {"pool_unserved", "late", "claim_over", "sweep_failed", "dead_letters"} <= set(names)
    assert said["state"] == "ill"
