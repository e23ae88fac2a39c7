"""What operators do over the status API: who may, what is kept of it, and what becomes of two at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.run import Queued, Settled, Wanted
from bridge.store.people import People
from bridge.store.runs import Runs
from bridge.web.acts import ACTS
from tests.integration.status.serving import Answer, Served, serving
from tests.integration.store.rows import FAR, REQUEST, TASK, saved, wanted

WRITE, READ = "the-token-of-operators-so-long-it-is", "the-token-of-readers-so-long-it-is"
SIGNED = {"Authorization": f"Bearer {WRITE}"}
SAMPLES: Mapping[str, dict[str, Any]] = {
    "pause": {"pool": "linux"},
    "resume": {"pool": "linux"},
    "deny": {"builder": "linux64-*"},
    "allow": {"builder": "linux64-*"},
    "drain": {},
    "undrain": {},
    "retry": {"taskId": TASK, "runId": 0},
    "release": {"taskId": TASK, "runId": 0},
    "cancel": {"taskId": TASK},
    "deadletter-replay": {"id": 1},
    "deadletter-drop": {"id": 1},
}


@pytest.fixture
async def api(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(postgres_dsn, tmp_path, write_token=WRITE) as served:
        yield served


async def act(api: Served, verb: str, headers: Mapping[str, str] = SIGNED, **body: Any) -> Answer:
    said = {"reason": "a test", "who": "alice", **SAMPLES[verb], **body}
    return await api.post(f"acts/{verb}", {name: value for name, value in said.items() if value is not None}, headers)


async def done(api: Served, verb: str, **body: Any) -> Any:
    """Look first, then do it."""
    seen = (await act(api, verb, **body)).json["seen"]
    answer = await act(api, verb, seen=seen, **body)
    assert answer.status == 200, answer.text
    return answer.json


async def orders(api: Served) -> Any:
    return (await api.get("orders")).json


def test_every_act_is_sampled() -> None:
    assert set(SAMPLES) == {each.verb for each in ACTS}


@pytest.mark.parametrize("verb", SAMPLES)
async def test_off_by_default(postgres_dsn: str, tmp_path: Path, verb: str) -> None:
    async with serving(postgres_dsn, tmp_path) as closed:
        refused = await act(closed, verb)
    assert (refused.status, refused.json["error"]) == (403, "ReadOnly")
    assert "status.write_token" in refused.json["mend"]


@pytest.mark.parametrize("verb", SAMPLES)
async def test_only_the_write_token_in_a_header_opens(postgres_dsn: str, tmp_path: Path, verb: str) -> None:
    proxy = {"proxy_header": "X-User", "proxy_secret": READ[::-1]}
    async with serving(postgres_dsn, tmp_path, write_token=WRITE, read_token=READ, **proxy) as guarded:
        proven = {"X-User": "mallory", "X-Bridge-Proxy-Secret": READ[::-1]}
        for headers, status, error in [
            ({}, 401, "NotAuthorized"),
            ({"Authorization": f"Bearer {WRITE[:-1]}"}, 401, "NotAuthorized"),
            ({"Authorization": f"Bearer {READ}"}, 403, "NotForReaders"),
            (proven, 401, "NotAuthorized"),
            ({"Cookie": f"token={WRITE}; session={WRITE}", **proven}, 401, "NotAuthorized"),
        ]:
            refused = await act(guarded, verb, headers)
            assert (refused.status, refused.json["error"]) == (status, error), headers
        assert await orders_with(guarded, WRITE) == {"orders": [], "acts": []}


async def orders_with(api: Served, token: str) -> Any:
    """Whoever may write may read."""
    return (await api.get("orders", headers={"Authorization": f"Bearer {token}"})).json


async def test_nothing_is_done_at_the_first_asking(store: Runs, api: Served) -> None:
    await store.insert([wanted(0)])
    said = (await act(api, "pause")).json
    assert said["dryRun"] is True
    assert said["words"].startswith("Would hold back new build requests for all builders of pool linux.")
    assert "1 without a request" in said["words"]
    assert await orders(api) == {"orders": [], "acts": []}
    did = (await act(api, "pause", seen=said["seen"])).json
    assert (did["dryRun"], did["words"].splitlines()[0]) == (
        False,
        "Holds back new build requests for all builders of pool linux.",
    )
    told = await orders(api)
    (order,), (kept,) = told["orders"], told["acts"]
    assert (order["kind"], order["pool"], order["builders"]) == ("paused", "linux", "*")
    assert (order["who"], order["why"]) == ("alice (API)", "a test")
    assert (kept["who"], kept["verb"], kept["why"], kept["outcome"]) == ("alice (API)", "paused", "a test", "given")


@pytest.mark.parametrize(("give", "lift"), [("pause", "resume"), ("deny", "allow"), ("drain", "undrain")])
async def test_an_order_is_given_and_lifted(store: Runs, api: Served, give: str, lift: str) -> None:
    held = replace(wanted(0, due=FAR), phase=Wanted("full"), builder="linux64-opt")
    await store.add(held, "test")
    await done(api, give)
    assert len((await orders(api))["orders"]) == 1
    assert "1 runs look again now" in (await done(api, lift))["words"]
    assert (await orders(api))["orders"] == []
    again = await act(api, lift)
    assert (again.status, again.json["error"]) == (409, "Impossible")


async def test_a_run_is_urged_and_taken_from_who_has_it(store: Runs, api: Served) -> None:
    await store.insert([wanted(due=FAR)])
    await saved(store, replace(wanted(due=FAR), attempts=1), holder="gone")
    assert (await act(api, "release")).json["words"] == f"Would take run {TASK}/0 from gone."
    assert (await done(api, "release"))["runs"] == [f"{TASK}/0"]
    assert await store.lease(wanted().key, "me") is not None
    assert "is due now" in (await done(api, "retry"))["words"]
    assert [(each["verb"], each["target"], each["outcome"]) for each in (await orders(api))["acts"]] == [
        ("retry", f"{TASK}/0", "wanted, next: Look"),
        ("release", f"{TASK}/0", "from gone"),
    ]


@pytest.mark.parametrize("verbs", [("release", "release"), ("retry", "release"), ("pause", "pause")])
async def test_of_two_operators_at_once_one_acts_and_the_other_is_told(
    store: Runs, api: Served, verbs: tuple[str, str]
) -> None:
    await store.insert([wanted(due=FAR)])
    looked = [(await act(api, verb, who=who)).json["seen"] for verb, who in zip(verbs, ("alice", "bob"), strict=True)]
    answers = await asyncio.gather(
        *(act(api, verb, who=who, seen=seen) for verb, who, seen in zip(verbs, ("alice", "bob"), looked, strict=True))
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    (kept,) = (await orders(api))["acts"]
    (lost,) = [answer.json for answer in answers if answer.status == 409]
    assert lost["error"] == "Overtaken"
    assert lost["message"].startswith(f"{kept['who']} was first: {kept['verb']} of {kept['target']} at ")
    assert {"alice (API)", "bob (API)"} > {kept["who"]}


async def test_who_looked_before_another_acted_is_told_and_can_look_again(store: Runs, api: Served) -> None:
    await store.insert([wanted(due=FAR)])
    seen = (await act(api, "retry", who="bob")).json["seen"]
    await done(api, "release", who="alice")
    late = await act(api, "retry", who="bob", seen=seen)
    assert (late.status, late.json["error"]) == (409, "Overtaken")
    assert "alice (API) was first: release of" in late.json["message"]
    await done(api, "retry", who="bob")


async def test_a_side_that_is_away_is_told_and_a_look_is_not_kept(store: Runs, api: Served) -> None:
    away = await act(api, "cancel")
    assert (away.status, away.json["error"], away.headers["Retry-After"]) == (503, "Unavailable", "5")
    assert (await orders(api))["acts"] == []


async def test_a_message_is_dropped_or_said_to_be_unreadable_still(store: Runs, api: Served) -> None:
    await People(store.database).bury("exchange/x", "primary.x", "not JSON", b"nonsense")
    (letter,) = (await api.get("dead-letters")).json["deadLetters"]
    refused = await act(api, "deadletter-replay", id=letter["id"])
    assert (refused.status, refused.json["error"]) == (409, "Impossible")
    await done(api, "deadletter-drop", id=letter["id"])
    assert (await api.get("dead-letters")).json["deadLetters"] == []


@pytest.mark.parametrize(
    ("verb", "body", "status", "said"),
    [
        ("pause", {"reason": None}, 400, "'reason' is missing"),
        ("pause", {"reason": "  "}, 400, "reason: String should match"),
        ("pause", {"who": None}, 400, "'who' is missing"),
        ("pause", {"pool": None}, 400, "'pool' is missing"),
        ("pause", {"dryRun": False}, 400, "'dryRun' is not known here"),
        ("pause", {"seen": "1"}, 400, "seen: Input should be a valid integer"),
        ("pause", {"pool": "nowhere"}, 404, "there is no pool 'nowhere' in the settings; there are linux"),
        ("deny", {"builder": "a*b"}, 400, "builder: String should match"),
        ("retry", {"taskId": "short"}, 400, "taskId: String should match"),
        ("retry", {}, 404, "has no unsettled run"),
        ("resume", {}, 409, "all builders of pool linux: not paused; paused now: nothing"),
        ("deadletter-drop", {"id": 987}, 404, "there is no message 987"),
    ],
)
async def test_what_cannot_be_done_is_told_in_a_sentence(
    api: Served, verb: str, body: dict[str, Any], status: int, said: str
) -> None:
    refused = await act(api, verb, **body)
    assert (refused.status, said in refused.json["message"]) == (status, True), refused.text
    assert set(refused.json) == {"error", "message", "mend"}


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b'{"reason": "x", "who": "x"}', "text/plain"),
        (b"reason=x&who=x", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 16_000, "application/json"),
        (b'"' + b"x" * 20_000 + b'"', "application/json"),
    ],
    ids=["text", "form", "broken", "no text", "deep", "long"],
)
async def test_what_a_page_of_elsewhere_or_a_broken_program_sends_does_nothing(api: Served, sent: bytes, kind: str) -> None:
    async with api.http.post(f"{api.url}/api/v1/acts/drain", data=sent, headers={**SIGNED, "Content-Type": kind}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "InvalidBody")
    assert (await orders(api))["orders"] == []


async def test_a_page_of_elsewhere_may_not_even_ask_whether_it_may(api: Served) -> None:
    """A browser asks so before it sends a header of a script across origins; without leave it does not send it."""
    headers = {"Origin": "https://evil.example.org", "Access-Control-Request-Headers": "authorization"}
    asked = await api.get("acts/drain", method="OPTIONS", headers=headers)
    assert (asked.status, "Access-Control-Allow-Headers" in asked.headers) == (405, False)


async def test_the_name_that_a_proxy_gives_counts(postgres_dsn: str, tmp_path: Path) -> None:
    proxy = {"proxy_header": "X-User", "proxy_secret": READ}
    async with serving(postgres_dsn, tmp_path, write_token=WRITE, **proxy) as api:
        headers = {**SIGNED, "X-User": "carol", "X-Bridge-Proxy-Secret": READ}
        seen = (await act(api, "drain", headers)).json["seen"]
        assert (await act(api, "drain", headers, seen=seen, who="alice")).status == 200
        assert (await orders_with(api, WRITE))["orders"][0]["who"] == "carol (API)"


async def test_a_new_write_token_counts_at_once(postgres_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "write"
    file.write_text(WRITE)
    async with serving(postgres_dsn, tmp_path, write_token_file=str(file)) as api:
        assert (await act(api, "drain")).status == 200
        file.write_text(WRITE[::-1])
        assert (await act(api, "drain")).status == 401
        assert (await act(api, "drain", {"Authorization": f"Bearer {WRITE[::-1]}"})).status == 200


async def test_what_reads_cannot_write_even_where_operators_may(store: Runs, api: Served) -> None:
    """The house of the readers stays as it was: the server tells its connections from the operators' by their names."""
    await store.add(replace(wanted(0), phase=Queued(REQUEST)), "test")
    await done(api, "retry")
    await api.get("runs")
    rows = await store.database.fetch(
        "SELECT application_name AS name FROM pg_stat_activity WHERE datname = current_database()"
    )
    names = {row["name"] for row in rows}
    assert any(name.endswith(" steering") for name in names)
    assert any(name.startswith("web") and not name.endswith(" steering") for name in names), names


async def test_a_settled_run_cannot_be_steered(store: Runs, api: Served) -> None:
    await store.add(replace(wanted(0), phase=Settled("done")), "test")
    for verb in ("retry", "release"):
        assert (await act(api, verb)).status == 404
