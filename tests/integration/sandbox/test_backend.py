"""The tests say which servers they use, take the ones they are told to, and end loudly when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.sandbox import backend, process
from tests.sandbox import postgres as programs

ROOT = Path(__file__).parents[3]


def test_a_server_named_in_the_environment_comes_first() -> None:
    address = "postgresql://somebody@db.example:5433/test"
    found = backend.postgres_source({"BRIDGE_TEST_PG_DSN": address})
    assert found == backend.Given(address)
    assert str(found) == "given by the environment, db.example:5433"


def test_the_report_does_not_show_the_password() -> None:
    assert "secret" not in str(backend.Given("amqp://user:secret@mq.example:5672/"))


def test_local_can_be_forced_over_the_environment() -> None:
    forced = {"BRIDGE_TEST_BACKEND": "local", "BRIDGE_TEST_PG_DSN": "postgresql://x", "BRIDGE_TEST_AMQP_URL": "amqp://x"}
    assert isinstance(backend.postgres_source(forced), backend.Local)
    assert isinstance(backend.rabbitmq_source(forced), backend.Local)


def test_env_can_be_forced_and_then_needs_the_variable() -> None:
    with pytest.raises(backend.NoServerError, match="BRIDGE_TEST_AMQP_URL in the environment"):
        backend.rabbitmq_source({"BRIDGE_TEST_BACKEND": "env"})


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(backend.NoServerError, match="'doker'"):
        backend.postgres_source({"BRIDGE_TEST_BACKEND": "doker"})


async def test_a_given_server_that_is_dead_is_an_error(tmp_path: Path) -> None:
    port = process.free_port()
    with pytest.raises(backend.NoServerError, match="BRIDGE_TEST_PG_DSN does not answer"):
        async with backend.open_postgres(backend.Given(f"postgresql://x@127.0.0.1:{port}/x"), tmp_path):
            pass
    with pytest.raises(backend.NoServerError, match="BRIDGE_TEST_AMQP_URL does not answer"):
        async with backend.open_rabbitmq(backend.Given(f"amqp://x:y@127.0.0.1:{port}/"), tmp_path):
            pass


async def test_a_given_server_that_answers_is_used(
    postgres: backend.Database, rabbitmq: backend.Broker, tmp_path: Path
) -> None:
    async with backend.open_postgres(backend.Given(postgres.dsn()), tmp_path) as database:
        assert database.dsn() == postgres.dsn()
        assert database.dsn("other").endswith("/other")
    async with backend.open_rabbitmq(backend.Given(rabbitmq.url, rabbitmq.pulse_url), tmp_path) as broker:
        assert (broker.url, broker.pulse_url) == (rabbitmq.url, rabbitmq.pulse_url)
    async with backend.open_rabbitmq(backend.Given(rabbitmq.url), tmp_path) as broker:
        with pytest.raises(backend.NoServerError, match="BRIDGE_TEST_PULSE_URL"):
            _ = broker.pulse_url


def run_pytest(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_run_ends_with_status_2_and_the_command_to_type_when_there_is_no_server() -> None:
    this = f"{Path(__file__).relative_to(ROOT)}::test_each_test_has_a_database_of_its_own"
    ended = run_pytest(this, BRIDGE_TEST_BACKEND="env", BRIDGE_TEST_PG_DSN="")
    assert ended.returncode == 2
    assert "./dev setup" in ended.stdout + ended.stderr


def test_the_report_says_which_servers_are_used() -> None:
    listed = run_pytest("--collect-only", "tests/integration/sandbox/test_backend.py", BRIDGE_TEST_BACKEND="local")
    assert f"postgresql: private, {programs.version(programs.installed())} " in listed.stdout
    assert "\nrabbitmq: private, " in listed.stdout


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_a_database_of_its_own(empty_dsn: str, time: str) -> None:
    connection = await asyncpg.connect(empty_dsn, timeout=10)
    assert await connection.fetchval("SELECT to_regclass('mine')") is None, time
    await connection.execute("CREATE TABLE mine ()")
    await connection.close()


async def test_a_copied_database_has_what_its_template_has(postgres: backend.Database, empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn, timeout=10)
    await connection.execute("CREATE TABLE copied AS SELECT 7 AS n")
    template = await connection.fetchval("SELECT current_database()")
    await connection.close()
    copy = await programs.create_database(postgres.dsn(), f"{template}_copy", template=template)
    connection = await asyncpg.connect(copy, timeout=10)
    assert await connection.fetchval("SELECT n FROM copied") == 7
    # Dropping does not wait for the session that is still open.
    await programs.drop_database(postgres.dsn(), f"{template}_copy")
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT 1", timeout=10)
    await connection.close()
