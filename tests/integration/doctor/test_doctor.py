"""The doctor names what is wrong and how to mend it, and finds nothing wrong where nothing is."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aio_pika
import asyncpg
import pytest
from aiohttp import web

from bridge import amqp_checkup
from bridge.core.deployment import Deployment
from bridge.core.run import Run, RunId, RunKey, TaskId, Wanted
from bridge.doctor import pulse
from bridge.doctor.finding import Level
from bridge.store import database
from bridge.store.replicas import Replica
from bridge.store.runs import Runs
from tests.integration.doctor.conftest import NEEDED, House, wrong
from tests.sandbox.process import free_port

FORCE = "buildbot main: force"


@asynccontextmanager
async def answering(body: str, *, status: int = 200, skew: float = 0.0) -> AsyncIterator[str]:
    """Somebody else's web server, with a clock of its own."""

    async def answer(_: web.Request) -> web.Response:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=skew), usegmt=True)
        return web.Response(text=body, status=status, headers={"Date": date}, content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_where_all_is_well_nothing_is_wrong(house: House) -> None:
    found = await house.examined()
    assert set(wrong(found)) == {FORCE}
    assert [finding.level for findings in found.values() for finding in findings if finding.subject != FORCE] == [
        Level.OK
    ] * (sum(map(len, found.values())) - 1)
    assert {"settings", "database", "database: tables", "database: identity", "taskcluster", "taskcluster: scopes"} <= set(
        found
    )
    assert {"pulse", "pulse: exchanges", "pulse: queue", "buildbot main", "pool linux: builders"} <= set(found)


async def test_looking_leaves_no_trace(house: House, amqp_url: str) -> None:
    found = await house.examined()
    assert "the first listener makes it" in found["pulse: queue"][0].found
    name = found["pulse: queue"][0].found.split(" ")[0]
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await channel.declare_queue(name, passive=True)


async def test_wrong_settings_are_findings_and_the_only_ones(house: House) -> None:
    found = await house.examined(web__prot=1)
    assert set(found) == {"settings"}
    assert "web.prot is not a setting. Did you mean port?" in wrong(found)["settings"]


# --- the database


async def test_an_unmigrated_database(house: House, empty_dsn: str) -> None:
    found = wrong(await house.examined(database__dsn=empty_dsn))
    assert "0001_runs.sql" in found["database: tables"]
    assert "bbb migrate" in found["database: tables"]


async def test_a_superuser(house: House, postgres_dsn: str) -> None:
    found = wrong(await house.examined(database__dsn=postgres_dsn))
    assert "warning: bridge is a superuser → Give the bridge a role of its own" in found["database: role"]


@pytest.mark.parametrize(
    ("part", "said"), [("/bridge_test_", "does not exist. Create it"), ("//plain_", "user and password")]
)
async def test_a_database_or_role_that_does_not_exist(house: House, part: str, said: str) -> None:
    found = wrong(await house.examined(database__dsn=house.dsn.replace(part, f"{part}no_")))
    assert said in found["database"]


async def test_a_role_without_rights(house: House, role: str, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute(
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role.split('//')[1].split(':', maxsplit=1)[0]}"
    )
    await connection.close()
    assert "Grant it to the role" in wrong(await house.examined())["database"]


async def test_a_database_that_nobody_serves(house: House) -> None:
    found = wrong(await house.examined(database__dsn=f"postgresql://x:canary-database@127.0.0.1:{free_port()}/x"))
    assert "Check host and port in database.dsn" in found["database"]


async def test_another_deployment_on_the_same_database(house: House) -> None:
    async with database.opened(house.dsn) as opened:
        other = Deployment({"worker_group": "elsewhere"}, {})
        await Replica("reflector-elsewhere", "reflector", "0.1.0", other).register(opened)
        found = wrong(await house.examined())
    assert "reflector reflector-elsewhere serves this database" in found["database: identity"]
    assert "worker_group is buildbot here and elsewhere there" in found["database: identity"]


async def test_runs_of_a_pool_that_nobody_serves(house: House) -> None:
    """A pool was dropped from all settings while it had runs."""
    now = datetime.now(UTC)
    async with database.opened(house.dsn) as opened:
        run = Run(RunKey(TaskId("A" * 22), RunId(0)), "dropped", Wanted(), now, now)
        await Runs(opened, "a-test", ("dropped",)).add(run, "pending")
        found = wrong(await house.examined())
        assert "nobody serves it, and 1 of its runs is unsettled → Put the pool back" in found["pool dropped"]
        own = (await _settings(house)).deployment()
        both = Deployment(own.whole, {"dropped": {"task_queue": "proj/dropped", "buildbot": "main"}})
        await Replica("a", "reflector", "0.1.0", both).register(opened)
        assert "pool dropped" not in wrong(await house.examined())


async def test_two_versions_at_once(house: House) -> None:
    mark = (await _settings(house)).deployment()
    async with database.opened(house.dsn) as opened:
        await Replica("a", "reflector", "0.1.0", mark).register(opened)
        await Replica("b", "reflector", "0.2.0", mark).register(opened)
        found = wrong(await house.examined())
    assert "0.1.0, 0.2.0" in found["database: versions"]


async def _settings(house: House):
    from bridge.settings import load

    return load(house.write({}))


# --- Taskcluster


async def test_a_wrong_access_token(house: House) -> None:
    found = wrong(await house.examined(taskcluster__access_token="canary-wrong"))
    assert "Correct taskcluster.client_id and access_token" in found["taskcluster: credentials"]
    assert "taskcluster: scopes" not in found


async def test_a_missing_scope_is_named_with_the_line_to_add(house: House) -> None:
    found = wrong(await house.examined(worker_group="other"))
    assert "→ Add to the client: queue:worker-id:other/*" in found["taskcluster: scopes"]
    assert "the client holds more than the bridge needs: queue:worker-id:buildbot/*" in found["taskcluster: scopes"]


class TestAClientWithMoreThanItNeeds:
    @pytest.fixture
    async def scopes(self) -> list[str]:
        return [*NEEDED, "queue:create-task:lowest:*", "queue:claim-task:*"]

    async def test_what_is_beyond_is_warned_of(self, house: House) -> None:
        said = wrong(await house.examined())["taskcluster: scopes"]
        more = "queue:claim-task:*, queue:create-task:lowest:* →"
        assert said.startswith(f"warning: the client holds more than the bridge needs: {more}")
        assert "failure" not in said


async def test_cancelling_is_needed_only_where_it_is_wanted(house: House) -> None:
    found = wrong(await house.examined(pools__linux__results={"cancelled": "failed"}))
    assert "more than the bridge needs: queue:cancel-task:scheduler/*" in found["taskcluster: scopes"]


async def test_a_client_without_scopes(house: House) -> None:
    found = wrong(await house.examined(pools__linux__task_queue="proj-else/mac"))
    for scope in ("queue:claim-task:proj-else/mac", "queue:pending-list:proj-else/mac"):
        assert f"failure: {scope} is missing" in found["taskcluster: scopes"]


async def test_a_root_that_is_no_taskcluster(house: House) -> None:
    async with answering("<html>Welcome</html>") as address:
        found = wrong(await house.examined(taskcluster__root_url=address))
    assert "answers 200 with HTML, not as a Taskcluster does" in found["taskcluster"]


async def test_a_root_that_nobody_serves(house: House) -> None:
    found = wrong(await house.examined(taskcluster__root_url=f"http://127.0.0.1:{free_port()}"))
    assert "cannot be reached" in found["taskcluster"]


@pytest.mark.parametrize(
    ("skew", "said"), [(-120, "warning: this machine's clock is 1"), (1000, "failure: this machine's clock")]
)
async def test_a_clock_that_is_wrong(house: House, skew: float, said: str) -> None:
    async with answering('{"alive": true}', skew=skew) as address:
        found = wrong(await house.examined(taskcluster__root_url=address))
    assert said in found["taskcluster: time"]


# --- Pulse


async def test_pulse_switched_off(house: House) -> None:
    found = wrong(await house.examined(pulse__enabled=False))
    assert found["pulse"].startswith("warning: switched off: runs are found by sweeps alone, up to 60 s late")


async def test_a_wrong_password_of_pulse(house: House) -> None:
    url = house.settings["pulse"]["url"]
    password = url.split(":")[2].split("@")[0]
    found = wrong(await house.examined(pulse__url=url.replace(password, "canary-pulse")))
    assert "name and password are not accepted" in found["pulse"]


async def test_a_vhost_that_does_not_exist(house: House) -> None:
    found = wrong(await house.examined(pulse__url=house.settings["pulse"]["url"].replace("/%2F", "/other")))
    assert "refuses" in found["pulse"]
    assert "vhost" in found["pulse"]


async def test_a_broker_that_nobody_serves(house: House) -> None:
    found = wrong(await house.examined(pulse__url=f"amqp://u:canary-pulse@127.0.0.1:{free_port()}/%2F"))
    assert "cannot be reached" in found["pulse"]


async def test_a_broker_of_somebody_else_lacks_the_exchanges(pulse_url: str) -> None:
    facts = await amqp_checkup.facts(pulse_url, ["exchange/somebody-else/v1/none"], "queue/bridge-pulse/x")
    found = {finding.subject: finding for finding in pulse.judged(facts, "queue/bridge-pulse/x")}
    assert found["pulse: exchanges"].level is Level.FAILURE
    assert found["pulse: exchanges"].found == "exchange/somebody-else/v1/none does not exist"
    assert found["pulse: queue"].level is Level.OK


async def test_a_queue_that_the_user_may_not_have(pulse_url: str, amqp_url: str) -> None:
    queue = f"elsewhere-{secrets.token_hex(4)}"
    facts = await amqp_checkup.facts(pulse_url, [], queue)
    (finding,) = [each for each in pulse.judged(facts, queue) if each.subject == "pulse: queue"]
    assert "ACCESS_REFUSED" in finding.found
    assert f"Let the user configure, write and read {queue}" in finding.remedy
    assert (await amqp_checkup.facts(amqp_url, [], queue)).refused is None


async def test_a_queue_that_grows_without_anybody_listening(house: House, amqp_url: str) -> None:
    name = f"queue/bridge-pulse/{house.settings['pulse']['queue_name']}"
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue(name)
        for _ in range(2001):
            await channel.default_exchange.publish(aio_pika.Message(b"{}"), name)
        async with asyncio.timeout(20):
            while (await channel.declare_queue(name, passive=True)).declaration_result.message_count != 2001:
                await asyncio.sleep(0.05)
        found = wrong(await house.examined())
        await queue.delete(if_empty=False)
    assert f"2001 messages wait in {name}, heard by 0 consumers" in found["pulse: queue"]


# --- Buildbot


async def test_a_wrong_token_of_the_plugin(house: House) -> None:
    found = wrong(await house.examined(buildbots__main__token="canary-wrong-token"))
    assert found["buildbot main"].startswith("failure: the plugin does not accept the token → Give buildbots.main.token")


async def test_a_master_that_nobody_serves(house: House) -> None:
    found = wrong(await house.examined(buildbots__main__url=f"http://127.0.0.1:{free_port()}"))
    assert "that the master runs" in found["buildbot main"]


@pytest.mark.parametrize("status", [200, 404])
async def test_an_address_without_the_plugin(house: House, status: int) -> None:
    async with answering("<html>Buildbot</html>", status=status) as address:
        found = wrong(await house.examined(buildbots__main__url=address))
    assert "c['www']['plugins']['taskcluster'] = {}" in found["buildbot main"]


async def test_builders_that_do_not_exist(house: House) -> None:
    found = wrong(await house.examined(pools__linux__builders=["linux64-*", "win64-*", "docs"]))
    said = found["pool linux: builders"]
    assert "failure: win64-* is allowed in pools.linux.builders" in said
    assert "docs is allowed" in said
    assert "(there are: idle, linux64-asan, linux64-opt)" in said


async def test_a_builder_without_worker(house: House) -> None:
    found = wrong(await house.examined(pools__linux__builders=["idle"]))
    assert (
        found["pool linux: builders"] == "warning: no worker is connected for idle → Start a worker; tasks wait meanwhile."
    )


async def test_whoever_reaches_the_master_may_force_builds(house: House) -> None:
    assert "force schedulers (by-hand)" in wrong(await house.examined())[FORCE]


# --- all at once


async def test_one_side_that_hangs_hides_no_other(house: House) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side has had enough
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = wrong(
        await house.examined(
            taskcluster__root_url=f"http://127.0.0.1:{port}",
            taskcluster__timeout=1,
            buildbots__main__url=f"http://127.0.0.1:{port}",
            buildbots__main__timeout=1,
        )
    )
    server.close()
    assert "TimeoutError" in found["taskcluster"]
    assert "TimeoutError" in found["buildbot main"]
    assert "database" not in found
