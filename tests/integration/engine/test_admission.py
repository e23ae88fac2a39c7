"""Which tasks become builds: refused with words, held back with a reason, or submitted in the right form."""

import asyncio
from datetime import timedelta
from typing import Any

from bridge.core.order import Policy
from tests.integration.engine.house import House

SCOPE = "buildbot-bridge:builder-name:"
LOG = "public/logs/live.log"


UNFIT: list[tuple[Any, str]] = [
    ({}, "`payload.buildername` is missing"),
    ({"buildername": "echo", "colour": 1}, "`payload.colour` is not known"),
    ({"buildername": ["echo"], "properties": 3}, "`payload.properties` must be an object"),
    ({"buildername": "echo", "properties": {"scheduler": "me"}}, "`payload.properties.scheduler`"),
    ({"buildername": "echo", "properties": {"big": 2**63}}, "does not fit 64 bits"),
    ({"buildername": "echo", "properties": {"n" * 300: 1}}, "the name has 300 characters"),
    ({"buildername": "echo", "properties": {"nul": "a\0b"}}, "NUL character"),
    ({"buildername": "ec*"}, "ends in `*`"),
    ({"buildername": "echo", "sourcestamps": [{"codebase": "a"}, {"codebase": "a"}]}, "stands in two sourcestamps"),
    ({"buildername": "echo", "sourcestamp": {}, "sourcestamps": [{}]}, "has both `sourcestamp` and `sourcestamps`"),
]


async def test_unfit_payloads_are_refused_in_words_and_make_no_request(house: House) -> None:
    #
    tasks = [await house.create("echo", payload=payload) for payload, _ in UNFIT]
    good = await house.create("echo")
    for task, (_, words) in zip(tasks, UNFIT, strict=True):
        run = await house.until(task, "exception")
        assert (run["reasonResolved"], run["workerId"]) == ("malformed-payload", "buildbot-bridge")
        assert words in await house.text(task, 0, LOG)
        assert await house.requests(task) == []
    await house.all_settled([*tasks, good])
    assert (await house.status(good))["state"] == "completed"


async def test_a_refused_task_that_is_rerun_is_refused_again(house: House) -> None:
    #
    task = await house.create("echo", payload={"buildername": 7})
    await house.until(task, "exception")
    await house.admin.rerunTask(task)
    run = await house.until(task, "exception", run=1)
    assert run["reasonResolved"] == "malformed-payload"
    assert await house.text(task, 0, LOG) == await house.text(task, 1, LOG)
    await house.settled(task)


STAMPS: list[tuple[Any, Any]] = [
    ({}, [("", "", None, None)]),
    ({"sourcestamp": {"branch": "https://hg.example.org/projects/maple/"}}, [("", "", "projects/maple", None)]),
    ({"sourcestamp": {"branch": "projects/maple/", "revision": "abc"}}, [("", "", "projects/maple", "abc")]),
    ({"sourcestamp": {"branch": "refs/heads/main", "repository": "r"}}, [("", "r", "main", None)]),
    (
        {"sourcestamps": [{"codebase": "a", "branch": "x"}, {"codebase": "b", "revision": "2"}]},
        [("a", "", "x", None), ("b", "", None, "2")],
    ),
]


async def test_each_form_of_sourcestamp_arrives_and_can_be_cancelled(house: House) -> None:
    #
    tasks = [await house.create("parked", payload={"buildername": "parked", **stamps}) for stamps, _ in STAMPS]
    for task, (_, seen) in zip(tasks, STAMPS, strict=True):
        await house.until_phase(task, "Queued")
        request = await house.request(task)
        (buildset,) = (await house.buildbot.rest(f"buildsets/{request['buildsetid']}"))["buildsets"]
        found = [(s["codebase"], s["repository"], s["branch"], s["revision"]) for s in buildset["sourcestamps"]]
        assert sorted(found, key=str) == sorted(seen, key=str)
        await house.admin.cancelTask(task)
    await house.all_settled(tasks)
    assert {(await house.request(task))["results"] for task in tasks} == {6}


async def test_a_task_without_product_or_change_resolves_with_its_artifacts(house: House) -> None:
    #
    task = await house.create("echo")
    await house.settled(task)
    assert (await house.status(task))["state"] == "completed"
    assert {LOG, "public/properties.json"} <= set(await house.artifacts(task))


async def test_an_unknown_builder_has_words_of_its_own(house: House) -> None:
    #
    unknown, unscoped = await house.create("nowhere"), await house.create("echo", scope=False)
    for task in (unknown, unscoped):
        run = await house.until(task, "exception")
        assert run["reasonResolved"] == "malformed-payload"
        await house.settled(task)
    assert "builder 'nowhere' is not" in await house.text(unknown, 0, LOG)
    assert "scope" not in await house.text(unknown, 0, LOG)
    assert f"the scope `{SCOPE}echo` is missing" in await house.text(unscoped, 0, LOG)


async def test_a_builder_that_the_master_does_not_open_to_the_bridge_is_refused(house: House) -> None:
    #
    task = await house.create("closed-to-bridge")
    await house.until(task, "exception")
    assert "not open to the bridge" in await house.text(task, 0, LOG)
    await house.settled(task)


async def test_while_the_master_is_down_runs_wait_with_a_reason(house: House) -> None:
    # A-07, T-15: one task's deadline passes meanwhile, and it is never submitted
    await house.buildbot.kill()
    try:
        known, unknown = await house.create("echo"), await house.create("nowhere")
        late = await house.create("echo", deadline=2)
        for _ in range(20):
            await house.turn()
            await asyncio.sleep(0.1)
        for task in (known, unknown):
            row = (await house.rows(task))[0]
            assert "ClientConnector" in str(getattr(row.phase, "held", None))
            assert (await house.status(task))["state"] == "pending"
        await house.until(late, "exception")
        await house.until(late, "exception")
    finally:
        await house.buildbot.start()
        for name in house.buildbot.worker_names:
            await house.buildbot.await_worker(name)
    await house.until(known, "completed")
    await house.until(unknown, "exception")
    for task in (known, unknown, late):
        await house.settled(task)
    assert await house.requests(late) == []


SCOPES: list[tuple[list[str], bool]] = [
    ([f"{SCOPE}echo"], True),
    ([f"{SCOPE}ec*"], True),
    (["*"], True),
    (["assume:builders"], True),
    (["assume:others"], False),
    ([], False),
    ([f"{SCOPE}ech"], False),
    ([f"{SCOPE}echo-2"], False),
]


async def test_scopes_are_judged_by_taskclusters_own_rule(house: House) -> None:
    #
    await house.control("PUT", "roles", {"builders": [f"{SCOPE}echo"], "others": [f"{SCOPE}failure"]})
    tasks = [await house.create("echo", scopes=scopes) for scopes, _ in SCOPES]
    await house.all_settled(tasks)
    for task, (_, admitted) in zip(tasks, SCOPES, strict=True):
        assert (await house.status(task))["state"] == ("completed" if admitted else "exception")
        if not admitted:
            assert f"{SCOPE}echo" in await house.text(task, 0, LOG)


async def test_while_roles_cannot_be_expanded_the_run_waits(house: House) -> None:
    #
    await house.control("PUT", "roles", {"builders": [f"{SCOPE}echo"]})
    fault = await house.fault("auth.expandScopes", count=1000)
    task = await house.create("echo", scopes=["assume:builders"])
    for _ in range(10):
        await house.turn()
    assert await house.hits(fault["id"]) > 0
    assert (await house.status(task))["state"] == "pending"
    assert getattr((await house.rows(task))[0].phase, "held", None)
    await house.control("DELETE", "faults")
    await house.until(task, "completed")
    await house.settled(task)


async def test_only_listed_builders_are_admitted_despite_their_scopes(house: House) -> None:
    # patterns cover whole names; a builder that is left alone is neither built nor refused
    await house.restart("strict", policy=Policy(builders=("ech*",), left_alone=("parked",)))
    listed, unlisted, alone = [await house.create(name) for name in ("echo", "failure", "parked")]
    await house.until(listed, "completed")
    await house.until(unlisted, "exception")
    assert "may not be used from task queue" in await house.text(unlisted, 0, LOG)
    row = (await house.rows(alone))[0]
    assert "left alone" in str(getattr(row.phase, "held", None))
    assert (await house.status(alone))["state"] == "pending"
    assert await house.requests(alone) == []
    for task in (listed, unlisted):
        await house.settled(task)


async def test_beyond_a_builders_cap_runs_wait_while_others_flow(house: House) -> None:
    #
    held = [await house.create("small-queue", priority=priority) for priority in ("low", "low", "high", "low")]
    other = await house.create("echo")
    await house.until(other, "completed")

    async def waiting() -> list[Any]:
        phases = {task: (await house.rows(task))[0].phase for task in held}
        names = [type(phase).__name__ for phase in phases.values()]
        waits = [task for task in held if getattr(phases[task], "held", None)]
        return waits if names.count("Queued") == 2 else []

    surplus = await house.wait(waiting)
    assert len(surplus) == 2
    row = (await house.rows(surplus[0]))[0]
    assert "pending requests" in str(getattr(row.phase, "held", None))
    await house.admin.cancelTask(surplus[0])  # never submitted afterwards
    first = next(task for task in held if task not in surplus)
    await house.admin.cancelTask(first)
    await house.settled(first)
    await house.settled(surplus[0])
    assert await house.requests(surplus[0]) == []
    await house.sql("UPDATE runs SET not_before = now(), due_at = now() WHERE phase = 'wanted'")  # the wait is over
    await house.until_phase(surplus[1], "Queued")
    for task in held:
        await house.admin.cancelTask(task)
        await house.settled(task)


async def test_a_wait_asked_for_by_the_plugin_is_kept(house: House) -> None:
    # 429 says how long to wait; nobody asks sooner
    for _ in range(2):
        await house.until_phase(await house.create("small-queue"), "Queued")
    surplus = await house.create("small-queue")

    async def held() -> bool:
        return bool((await house.rows(surplus)) and getattr((await house.rows(surplus))[0].phase, "held", None))

    await house.wait(held)
    asked = len(house.plugin_calls("submit", surplus))
    for _ in range(20):
        await house.turn()
        await asyncio.sleep(0.05)
    assert len(house.plugin_calls("submit", surplus)) == asked == 1
    row = (await house.rows(surplus))[0]
    assert row.not_before - house.engine.clock.now() > timedelta(seconds=8)
