"""The files that a build gave away become artifacts of its task, whatever fails on the way."""

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.core.outputs import OutputLimits
from bridge.core.run import RunKey
from bridge.published.provenance import Signer
from bridge.published.publisher import Publisher
from bridge.published.redaction import Redactor
from tests.integration.engine.house import House

LOG, BACKING = "public/logs/live.log", "public/logs/live_backing.log"
TWO = "mkdir -p out/sub; printf one > out/one.txt; printf '{}' > out/sub/two.json"


async def given(house: House, script: str = TWO, builder: str = "giving", **definition: object) -> str:
    return await house.create(builder, properties={"script": script}, **definition)


async def test_they_are_stored_before_the_task_is_resolved_and_then_forgotten_by_buildbot(house: House) -> None:
    task = await given(house)
    await house.until(task, "completed", within=60)
    await house.settled(task)
    found = await house.artifacts(task)
    assert await house.text(task, 0, "public/build/one.txt") == "one"
    assert await house.text(task, 0, "public/build/sub/two.json") == "{}"
    assert found["public/build/sub/two.json"]["contentType"] == "application/json"
    order = [call["api"] for call in await house.calls(task) if call["api"] in ("s3.put", "queue.reportCompleted")]
    assert order[-1] == "queue.reportCompleted"
    assert [call.method for call in house.plugin_calls("outputs")] == ["GET", "DELETE"]
    assert len(house.plugin_calls("output")) == 2
    log = await house.text(task, 0, BACKING)
    assert "taskcluster-artifact" in log
    assert await house.text(task, 0, LOG) == log


async def test_the_log_has_what_the_steps_wrote(house: House) -> None:
    task = await given(house, "mkdir out; touch out/x; seq 1 20000; echo done >&2")
    await house.until(task, "completed", within=60)
    log = await house.text(task, 0, BACKING)
    lines = log.splitlines()
    assert [str(n) for n in range(1, 20001)] == [line for line in lines if line.isdigit()]
    assert lines[0] == f"Taskcluster task {task}, run 0"
    assert lines[-1] == "The task is completed: the build succeeded."
    facts = json.loads(await house.text(task, 0, "public/buildbot/build.json"))
    assert [step["name"] for step in facts["steps"]][-2:] == ["make", "taskcluster-artifact"]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (OutputLimits(file_bytes=2), "the pool allows 2 in one file"),
        (OutputLimits(files=1), "the pool allows 1 files"),
        (OutputLimits(total_bytes=3), "the pool allows 3 bytes of one build"),
    ],
)
async def test_what_is_over_a_limit_is_said_where_it_is_looked_for(house: House, limits: OutputLimits, said: str) -> None:
    await house.restart("limited", outputs=limits)
    house.allowed[0] = {"resource-unavailable"}
    task = await given(house)
    run = await house.until(task, "exception", within=60)
    assert run["reasonResolved"] == "resource-unavailable"
    log = await house.text(task, 0, BACKING)
    assert said in log
    assert "the task must carry public/build/" in log
    missing = [name for name, each in (await house.artifacts(task)).items() if each["storageType"] == "error"]
    assert missing
    url = f"{house.double.root_url}/api/queue/v1/task/{task}/runs/0/artifacts/{missing[0]}"
    async with house.http.get(url) as answer:
        assert answer.status == 424
        assert said in await answer.text()


async def test_an_optional_file_over_a_limit_is_only_noted(house: House) -> None:
    await house.restart("limited", outputs=OutputLimits(files=1))
    task = await given(house, builder="offering")
    await house.until(task, "completed", within=60)
    assert "is not among the artifacts: the pool allows 1 files" in await house.text(task, 0, BACKING)


async def test_the_verdict_waits_for_what_the_task_must_carry_and_then_says_so(house: House) -> None:
    # hazards, open point 2: the limit is an hour
    await house.restart("impatient", upload_limit=timedelta(seconds=1), mandatory_limit=timedelta(seconds=6))
    house.allowed[0] = {"resource-unavailable"}
    await house.control("POST", "store", {"down": True})
    task = await given(house)
    await house.until_phase(task, "Reporting")
    began = datetime.now(UTC)
    run = await house.until(task, "exception", within=90)
    assert (run["reasonResolved"], datetime.now(UTC) - began > timedelta(seconds=5)) == ("resource-unavailable", True)
    assert any("not whole: the task must carry" in because or phase == "Reporting" for _, phase, because in house.told.moves)


async def test_an_optional_file_is_given_up_and_the_verdict_stays(house: House) -> None:
    await house.restart("impatient", upload_limit=timedelta(seconds=2))
    await house.control("POST", "store", {"down": True})
    task = await given(house, builder="offering")
    await house.until(task, "completed", within=60)
    assert any(what == "artifacts_given_up" for what, _ in house.told.alarms)


async def test_a_store_that_comes_back_gets_them(house: House) -> None:
    await house.control("POST", "store", {"down": True})
    task = await given(house)
    await house.until_phase(task, "Reporting")
    await house.turn()
    await house.control("POST", "store", {"down": False})
    await house.until(task, "completed", within=60)
    assert await house.text(task, 0, "public/build/one.txt") == "one"


async def test_what_is_stored_is_not_sent_again_by_the_next_process(house: House) -> None:
    task = await given(house, "mkdir out; for i in 1 2 3; do seq $i 400000 > out/$i.txt; done")  # small ones are sent again
    fault = await house.fault("queue.reportCompleted", taskId=task, count=1)
    while not await house.hits(fault["id"]):
        await house.turn()
    await house.restart("next")
    await house.until(task, "completed", within=60)
    puts = Counter(call["path"].partition("/public/build/")[2] for call in await house.calls(task, "s3.put"))
    assert {name: count for name, count in puts.items() if name} == {f"{i}.txt": 1 for i in range(1, 4)}


async def test_a_task_fetches_what_another_one_made(house: House) -> None:
    # dependents use artifact-references, which are addresses of the queue
    first = await given(house)
    await house.until(first, "completed", within=60)
    url = f"{house.double.root_url}/api/queue/v1/task/{first}/artifacts/public/build/one.txt"
    fetch = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())"
    task = await given(house, f'mkdir out; python3 -c "{fetch}" {url} > out/copy; cmp out/copy - <<E\none\nE\ntrue')
    await house.until(task, "completed", within=60)
    assert await house.text(task, 0, "public/build/copy") == "one"


async def test_a_running_build_shows_its_live_log_where_the_finished_one_will_be(house: House) -> None:
    shown = "https://logs.example.org/live/it"
    await house.restart("live", live=lambda *_: shown)
    task = await house.create("sleep", properties={"seconds": 3})
    await house.until(task, "running")

    async def linked() -> bool:
        return LOG in await house.artifacts(task)

    await house.wait(linked)
    where = partial(house.http.get, f"{house.double.root_url}/api/queue/v1/task/{task}/runs/0/artifacts/{LOG}")
    async with where(allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, shown)
    await house.until(task, "completed", within=30)
    async with where(allow_redirects=False) as answer:
        assert answer.headers["Location"] == house.engine.queue.artifact_address(RunKey(task, 0), BACKING)


async def test_a_canary_appears_nowhere(house: House) -> None:
    # S13: a secret property, printed by a step, in the environment's form, in a url of the state, in another step's name
    canary = "canary-7f3a9c51"
    redactor = Redactor(lambda: ["the-bridges-own-secret"], ("*token*", "*secret*"), (r"internal-(\w+)-id",))
    await house.restart("careful", published=Publisher(redactor, "test", attests=True))
    script = f"mkdir out; touch out/x; echo {canary}; echo MY_TOKEN=abcdefgh; echo the-bridges-own-secret internal-4711-id"
    task = await house.create("giving", properties={"script": script, "deploy_token": canary})
    await house.until(task, "completed", within=60)
    for name in await house.artifacts(task):
        if name != "public/buildbot/build" and name != "public/properties.json":  # redacted by the pool's own setting
            text = await house.text(task, 0, name)
            assert not [word for word in (canary, "abcdefgh", "the-bridges-own-secret", "4711") if word in text], name
    assert "MY_TOKEN=[secret]" in await house.text(task, 0, BACKING)


async def test_provenance_names_the_hashes_of_all_that_is_stored_and_is_signed(house: House) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    publisher = Publisher(Redactor(tuple), "test", attests=True, signer=Signer(lambda: pem))
    await house.restart("attesting", published=publisher)
    task = await given(house)
    await house.until(task, "completed", within=60)
    base = f"{house.double.root_url}/api/queue/v1/task/{task}/runs/0/artifacts/"
    bodies = {}
    for name in await house.artifacts(task):
        async with house.http.get(base + name) as answer:
            bodies[name] = await answer.read() if answer.status == 200 else b""
    document = bodies["public/buildbot/provenance.json"]
    key.public_key().verify(bodies["public/buildbot/provenance.json.sig"], document)
    said = {each["name"]: each["sha256"] for each in json.loads(document)["artifacts"]}
    stored = {
        "public/build/one.txt",
        "public/build/sub/two.json",
        BACKING,
        "public/properties.json",
        "public/buildbot/build.json",
    }
    assert said == {name: hashlib.sha256(bodies[name]).hexdigest() for name in stored}
