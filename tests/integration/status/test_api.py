"""What the status API answers, and to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import jsonschema
import pytest

from bridge.core.ledger import Swept
from bridge.core.run import Queued, Settled, Wanted
from bridge.status.changes import Changes
from bridge.status.desk import Desk
from bridge.status.ports import Sides
from bridge.store.overview import Overview
from bridge.store.people import Margins, People
from bridge.store.runs import Runs
from bridge.web.access import Access
from bridge.web.acts import ACTS
from bridge.web.api import Api
from bridge.web.operations import OPERATIONS
from bridge.web.shown import Shown
from bridge.web.stream import Stream
from tests.integration.status.serving import CANARY, Served, serving
from tests.integration.store.rows import AT, FACTS, FULL, REQUEST, TASK, saved, wanted
from tests.integration.store.test_replicas import ONE

GROUP = "G" * 22
TOKEN, OLD = "a-token-of-thirty-two-characters!", "the-former-token-as-long-as-this"


async def everything(store: Runs) -> None:
    """A run in each phase, a replica, a sweep, a sample, an unreadable message."""
    facts = replace(FACTS, task_group_id=GROUP)
    for number, phase in enumerate(FULL):
        await store.add(replace(wanted(number), phase=phase, facts=facts, builder="linux64-opt"), "test")
    await store.insert([replace(wanted(0, "B" * 22), pool="dropped")])
    people = People(store.database)
    await ONE.register(store.database)
    await people.swept(Swept("pending", "reflector-1", AT, AT, 3, "HTTP 503"))
    await people.sample(7, 1, Margins(2.5, None))
    await people.bury("exchange/x", "primary.x", "not JSON", b"\x00<script>alert(1)</script>")


async def document(api: Served) -> dict[str, Any]:
    return (await api.get("openapi.json")).json


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        {**schema, "components": document["components"]}, format_checker=jsonschema.FormatChecker()
    )


ASKED = {
    "/runs": "runs",
    "/runs/{taskId}/{runId}": f"runs/{TASK}/3",
    "/tasks/{taskId}": f"tasks/{TASK}",
    "/tasks/{taskId}/trace": f"tasks/{TASK}/trace",
    "/task-groups/{taskGroupId}": f"task-groups/{GROUP}",
    **{f"/{each.path}": each.path for each in OPERATIONS if "{" not in each.path},
    "/search": f"search?q={TASK}",
}


ACTS_AT = {f"/acts/{each.verb}" for each in ACTS}


async def test_the_document_is_in_the_form_of_openapi_and_names_every_route(api: Served) -> None:
    from bridge.web import openapi

    said = await document(api)
    assert said == openapi.document(said["info"]["version"])
    assert said["openapi"] == "3.1.0"
    assert set(said["paths"]) == {*ASKED, *ACTS_AT, "/events", "/openapi.json"}
    for path in said["paths"]:
        asked = ASKED.get(path, path.removeprefix("/"))
        if path not in {"/events", *ACTS_AT}:
            assert (await api.get(asked)).status in (200, 404), path
    names = [each["operationId"] for operations in said["paths"].values() for each in operations.values()]
    assert len(set(names)) == len(names)
    for schema in said["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


async def test_there_is_no_route_beside_those_of_the_document(store: Runs, api: Served) -> None:
    overview, shown = Overview(store.database), Shown(str)
    stream = Stream(Changes(overview, lambda: AT), 1, shown)
    access = Access(guarded=False, tokens=tuple)
    pages = Api(Desk(overview, Sides("", store, {}), lambda: AT), stream, access, shown, "0")
    routes = {(route.method, route.resource.canonical) for route in pages.app().router.routes()}
    paths = (await document(api))["paths"]
    assert routes == {(method.upper(), f"/api/v1{path}") for path, methods in paths.items() for method in methods}


@pytest.mark.parametrize("path", sorted(ASKED))
async def test_every_answer_is_as_the_document_says(store: Runs, api: Served, path: str) -> None:
    await everything(store)
    said = await document(api)
    answer = await api.get(ASKED[path])
    assert answer.status == 200, answer.text
    content = said["paths"][path]["get"]["responses"]["200"]["content"]
    kind = answer.headers["Content-Type"].partition(";")[0]
    validator(said, content[kind]["schema"]).validate(answer.json)
    wrong = {**answer.json, "more": 1}
    assert list(validator(said, content[kind]["schema"]).iter_errors(wrong))


async def test_a_run_is_shown_whole_though_both_sides_are_away(store: Runs, api: Served) -> None:
    await everything(store)
    await saved(store, replace(wanted(0), phase=Queued(REQUEST)))
    whole = (await api.get(f"runs/{TASK}/0")).json
    assert (whole["run"]["phase"], whole["run"]["requestId"], whole["row"]["version"]) == ("queued", 7, 2)
    assert [step["toPhase"] for step in whole["transitions"]] == ["wanted", "queued"]
    assert whole["transitions"][1]["because"] == "test"
    assert whole["owes"][0]["words"].startswith("read the task's status in Taskcluster, and build request 7")
    assert whole["taskcluster"]["error"].startswith("Taskcluster")
    assert whole["taskcluster"]["page"] == f"http://127.0.0.1:9/tasks/{TASK}"
    assert whole["buildbot"]["error"].startswith("Buildbot main")
    causes = {finding["cause"] for finding in whole["stuck"]}
    assert {"nobody_acts"} <= causes
    assert causes == set(whole["run"]["stuck"])


async def test_a_pool_that_is_not_in_the_settings_is_said_so(store: Runs, api: Served) -> None:
    await everything(store)
    whole = (await api.get(f"runs/{'B' * 22}/0")).json
    assert whole["buildbot"]["error"] == "pool dropped is not in the settings of this process"
    pools = {pool["name"]: pool for pool in (await api.get("pools")).json["pools"]}
    assert pools["dropped"] == {
        "name": "dropped",
        "rules": None,
        "servedBy": [],
        "unserved": True,
        "runs": [{"pool": "dropped", "phase": "wanted", "runs": 1}],
    }
    assert pools["linux"]["unserved"] is False
    assert (pools["linux"]["servedBy"], pools["linux"]["rules"]["leftAlone"]) == (["reflector-1"], ["release-*"])


async def test_pages_follow_each_other_to_the_end(store: Runs, api: Served) -> None:
    await store.insert([wanted(number) for number in range(25)])
    found, token = list[int](), dict[str, str]()
    while True:
        page = (await api.get("runs", limit=10, **token)).json
        found += [run["runId"] for run in page["runs"]]
        if page["continuationToken"] is None:
            break
        token = {"continuationToken": page["continuationToken"]}
    assert found == list(range(24, -1, -1))


async def test_an_answer_that_is_known_is_not_sent_again(store: Runs, api: Served) -> None:
    await everything(store)
    for path in ASKED.values():
        first = await api.get(path)
        again = await api.get(path, headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
        assert (again.status, again.text, again.headers["ETag"]) == (304, "", first.headers["ETag"]), path
    tag = (await api.get("runs")).headers["ETag"]
    await saved(store, replace(wanted(0), phase=Settled("done")))
    assert (await api.get("runs", headers={"If-None-Match": tag})).status == 200


async def test_whoever_has_no_token_is_refused_and_tokens_are_exchanged_while_it_runs(
    postgres_dsn: str, tmp_path: Path
) -> None:
    file, old = tmp_path / "token", tmp_path / "old"
    file.write_text(TOKEN)
    old.write_text(OLD)
    async with serving(postgres_dsn, tmp_path, read_token_file=str(file), old_read_token_file=str(old)) as api:
        for path in [*ASKED.values(), "events", "openapi.json", "nothing"]:
            refused = await api.get(path)
            assert (refused.status, refused.json["error"]) == (401, "NotAuthorized"), path
            assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await api.get("runs", headers={"Authorization": f"Bearer {TOKEN[:-1]}"})).status == 401
        assert (await api.get("runs", token=TOKEN)).status == 401
        for good in (TOKEN, OLD):
            assert (await api.get("runs", headers={"Authorization": f"Bearer {good}"})).status == 200
        file.write_text(TOKEN * 2)
        assert (await api.get("runs", headers={"Authorization": f"Bearer {TOKEN}"})).status == 401
        assert (await api.get("runs", headers={"Authorization": f"Bearer {TOKEN * 2}"})).status == 200


async def test_a_trusted_proxy_lets_its_users_read(postgres_dsn: str, tmp_path: Path) -> None:
    async with serving(postgres_dsn, tmp_path, proxy_header="X-User", proxy_secret=TOKEN) as api:
        assert (await api.get("runs", headers={"X-User": "me"})).status == 401
        proven = {"X-User": "me", "X-Bridge-Proxy-Secret": TOKEN}
        assert (await api.get("runs", headers=proven)).status == 200


async def test_a_page_of_elsewhere_cannot_read_through_a_browser(api: Served) -> None:
    refused = await api.get("runs", headers={"Host": "evil.example.org"})
    assert (refused.status, refused.json["error"]) == (403, "WrongHost")


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("runs", {"colour": "blue"}, "'colour' is not known here"),
        ("runs", {"phase": "queue"}, "phase: Input should be 'wanted'"),
        ("runs", {"limit": "1000"}, "limit: Input should be less than or equal to 500"),
        ("runs", {"settled": "maybe"}, "settled: must be true or false"),
        ("counts", {"pool": "linux"}, "'pool' is not known here"),
        ("runs/short/0", {}, "taskId: String should match pattern"),
        (f"runs/{TASK}/x", {}, "runId: must be a number"),
        ("events", {"since": "x"}, "since: must be a number"),
        ("openapi.json", {"x": "1"}, "The document takes no parameters"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(api: Served, path: str, query: dict[str, str], said: str) -> None:
    refused = await api.get(path, **query)
    assert refused.status == 400, refused.text
    assert said in refused.json["message"]
    assert set(refused.json) == {"error", "message", "mend"}


async def test_a_token_that_no_page_gave_out_leads_to_no_page(api: Served) -> None:
    for path in ("runs", "stuck", "dead-letters", f"task-groups/{GROUP}"):
        refused = await api.get(path, continuationToken="abc")
        assert (refused.status, refused.json["error"]) == (404, "NoSuchPage")
        assert "take it from the page before" in refused.json["message"]


async def test_a_history_has_no_more_than_some_hundred_steps(api: Served) -> None:
    assert (await api.get("history", hours=168, step=60)).json["step"] == 1210
    assert (await api.get("history", hours=1, step=60)).json["step"] == 60


async def test_an_unknown_filter_is_told_those_that_there_are(api: Served) -> None:
    mend = (await api.get("runs", colour="blue")).json["mend"]
    assert "This takes: limit, continuationToken, phase, pool, builder, taskGroupId, taskId, requestId, buildId" in mend


async def test_what_is_not_there_is_not_found(api: Served) -> None:
    for path in (f"runs/{TASK}/0", f"tasks/{TASK}", f"tasks/{TASK}/trace"):
        missing = await api.get(path)
        assert (missing.status, missing.json["error"]) == (404, "NotFound")
        assert "the bridge has no row for" in missing.json["message"]
    assert (await api.get("nothing")).json["error"] == "NotFound"
    assert (await api.get(f"task-groups/{GROUP}")).json["runs"] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_nothing_but_reading_is_possible(api: Served, method: str) -> None:
    refused = await api.get("runs", method=method)
    assert (refused.status, refused.headers["Allow"]) == (405, "GET")


@asynccontextmanager
async def away(dsn: str) -> AsyncIterator[None]:
    """The database lets nobody in while inside."""
    name = urlsplit(dsn).path[1:]
    admin = await asyncpg.connect(dsn.replace(f"/{name}", "/postgres"))
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()


async def test_a_database_that_is_away_is_an_error_that_says_so_and_passes(api: Served, postgres_dsn: str) -> None:
    async with away(postgres_dsn):
        refused = await api.get("runs")
        assert (refused.status, refused.json["error"], refused.headers["Retry-After"]) == (503, "Unavailable", "5")
    async with asyncio.timeout(20):
        while (await api.get("runs")).status != 200:
            await asyncio.sleep(0.1)


HOSTILE = "<script>alert(1)</script>\r\nSet-Cookie: x=1\n\x1b[31m\u2028" + "x" * 10_000


async def test_hostile_texts_are_data(store: Runs, api: Served) -> None:
    hostile = replace(wanted(0), phase=Wanted(HOSTILE), builder=HOSTILE[:300])
    await store.add(hostile, HOSTILE)
    answer = await api.get("runs")
    assert answer.json["runs"][0]["held"] == HOSTILE
    assert answer.json["runs"][0]["builder"] == HOSTILE[:300]
    assert answer.headers["Content-Type"] == "application/json"
    assert "Set-Cookie" not in answer.headers
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    letters = await api.get("dead-letters")
    assert letters.json["deadLetters"] == []
    await People(store.database).bury(HOSTILE, HOSTILE, HOSTILE, HOSTILE.encode())
    (letter,) = (await api.get("dead-letters")).json["deadLetters"]
    assert letter["beginning"].startswith("<script>alert(1)</script>\\r\\nSet-Cookie: x=1\\n\\x1b[31m\\xe2\\x80\\xa8xxx")
    assert len(letter["beginning"]) < 300


async def test_a_secret_that_came_into_a_text_is_masked(store: Runs, api: Served) -> None:
    await store.add(replace(wanted(0), phase=Wanted(f"PUT: {CANARY} was refused")), f"because of {CANARY}")
    await People(store.database).bury("x", "x", f"{CANARY}!", CANARY.encode())
    assert (await api.get("runs")).json["runs"][0]["held"] == "PUT: [secret] was refused"
    assert (await api.get(f"tasks/{TASK}")).json["transitions"][0]["because"] == "because of [secret]"
    assert "because of [secret]" in (await api.get(f"tasks/{TASK}/trace")).text
    assert (await api.get("dead-letters")).json["deadLetters"][0]["beginning"] == "[secret]"


async def test_what_is_stuck_is_listed_with_what_to_do(store: Runs, api: Served) -> None:
    await ONE.register(store.database)
    far = await store.database.value("SELECT now()") + timedelta(hours=1)
    await store.insert([wanted(0, due=far)])
    await store.add(replace(wanted(1, due=far), phase=Wanted("builder 'x' has 9 pending requests")), "test")
    await store.database.fetch("UPDATE runs SET created_at = now() - interval '10 minutes'")
    (stuck,) = (await api.get("stuck")).json["stuck"]
    assert (stuck["run"]["runId"], stuck["findings"][0]["cause"]) == (1, "builder_full")
    assert "max_pending" in stuck["findings"][0]["mend"]
    listed = (await api.get("runs", stuck="true")).json["runs"]
    assert [run["runId"] for run in listed] == [1]
    assert (await api.get("runs")).json["runs"][1]["stuck"] == []


async def test_counts_margins_services_and_sweeps_are_told(store: Runs, api: Served) -> None:
    await everything(store)
    counts = (await api.get("counts")).json
    assert {"pool": "linux", "phase": "building", "runs": 1} in counts["runs"]
    assert counts["held"] == [{"pool": "linux", "why": "held by the cap", "runs": 1}]
    assert (await api.get("margins")).json["oldestDue"] is not None
    (service,) = (await api.get("services")).json["services"]
    assert (service["service"], service["alive"], service["pools"]) == ("reflector", True, ["linux"])
    (sweep,) = (await api.get("sweeps")).json["sweeps"]
    assert (sweep["name"], sweep["service"], sweep["found"], sweep["fault"]) == ("pending", "reflector", 3, "HTTP 503")
    history = (await api.get("history")).json
    assert history["steps"][-1]["unsettled"] == 7
