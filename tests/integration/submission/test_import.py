"""`bbb import-builders` against a real master: what it lists, what it writes, and that taskgraph loads it as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml

from tests.integration.submission.conftest import Desk, Done
from tests.sandbox.buildbot import BuildbotSandbox
from tests.sandbox.environment import TASKGRAPH, ensure_environment
from tests.sandbox.process import free_port
from tests.sandbox.stack import toml
from tests.taskgraph import PARAMETERS, SAMPLE
from tests.taskgraph.generating import NEWEST, copied, graph

NAMES = ("linux64 opt", "linux64-opt", "linux64/opt", 'say "hi": #1', "on", "mac", "docs*", "größe", "idle", "secret")
MASTER = f"""
c['workers'] += [worker.LocalWorker('local'), worker.Worker('absent', 'x')]
c['builders'] = [
    util.BuilderConfig(name=name, workernames=[worker], builddir=str(number), factory=util.BuildFactory())
    for number, name in enumerate({NAMES!r})
    for worker in ('absent' if name == 'idle' else 'local',)
]
c['schedulers'] = [schedulers.ForceScheduler(name='by-hand', builderNames=list({NAMES!r}))]
BRIDGE['builders'] = [name for name in {NAMES!r} if name != 'secret']
"""


@pytest.fixture(scope="module")
async def master(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    async with BuildbotSandbox(tmp_path_factory.mktemp("import"), master_config=MASTER, workers=0) as sandbox:
        yield sandbox


def settings(desk: Desk, master: BuildbotSandbox, **more: Any) -> None:
    """A bridge that admits all but mac."""
    written = {
        "worker_group": "buildbot",
        "taskcluster": {"root_url": "http://127.0.0.1:9", "client_id": "c", "access_token": "t"},
        "pulse": {"enabled": False},
        "database": {"dsn": "postgresql://nobody@127.0.0.1:9/bridge"},
        "buildbots": {"main": {"url": master.url, "token": master.token}},
        "pools": {"demo": {"task_queue": "proj-demo/buildbot", "buildbot": "main", "builders": ["*"], "deny": ["mac"]}},
    }
    (desk.directory / "bridge.toml").write_text(toml(written | more))


@pytest.fixture
def at(desk: Desk, master: BuildbotSandbox) -> Desk:
    settings(desk, master)
    return desk


async def imported(desk: Desk, *arguments: str) -> Done:
    return await desk.bbb("import-builders", *arguments, "--config", "bridge.toml")


def builders(kind: str) -> dict[str, str]:
    """Builder by the name of its task."""
    return {name: task["run"]["builder"] for name, task in yaml.safe_load(kind)["tasks"].items()}


async def test_the_builders_that_are_open_are_listed_with_their_workers(at: Desk) -> None:
    found = (await imported(at, "--json")).json
    assert found["buildbot"] == "main"
    assert {each["builder"]: each["connected_workers"] for each in found["builders"]} == {
        name: int(name != "idle") for name in NAMES if name not in ("docs*", "größe", "secret")
    }
    assert [each["builder"] for each in found["refused"]] == ["docs*", "größe"]
    notes = {each["builder"]: each["notes"] for each in found["builders"] if each["notes"]}
    assert notes == {
        "idle": ["It has no connected worker now."],
        "mac": ["The bridge refuses it until [pools.demo] admits it: see builders, deny and left_alone there."],
    }


async def test_a_kind_is_written_that_taskgraph_loads(at: Desk) -> None:
    project = copied(SAMPLE, at.directory / "sample")
    kind = project / "taskcluster" / "kinds" / "imported" / "kind.yml"
    kind.parent.mkdir()
    done = await imported(at, "--kind", "imported", "--out", str(kind))
    assert (done.status, done.out) == (0, ""), done.err
    assert "left out: builder 'docs*' ends in `*`." in done.err
    text = kind.read_text()
    # What the file's first lines say that config.yml needs; the register function is there.
    aliases = text.partition("aliases:\n")[2].partition("\n# Whoever")[0].replace("#       ", "    ")
    config = project / "taskcluster" / "config.yml"
    config.write_text(config.read_text().replace("  aliases:\n", f"  aliases:\n{aliases}\n"))
    for venv in (NEWEST, ensure_environment(TASKGRAPH)):
        full = await asyncio.to_thread(graph, project, "full", PARAMETERS, venv)
        tasks = {label: each["task"] for label, each in full.items() if label.startswith("imported-")}
        assert {label.removeprefix("imported-"): task["payload"]["buildername"] for label, task in tasks.items()} == {
            "idle": "idle",
            "linux64-opt": "linux64 opt",
            "linux64-opt-2": "linux64-opt",
            "linux64-opt-3": "linux64/opt",
            "mac": "mac",
            "on": "on",
            "say-hi-1": 'say "hi": #1',
        }
        assert {f"{task['provisionerId']}/{task['workerType']}" for task in tasks.values()} == {"proj-demo/buildbot"}
        assert tasks["imported-on"]["scopes"] == ["buildbot-bridge:builder-name:on"]


async def test_builders_move_one_by_one(at: Desk) -> None:
    """First two of them; later what is missing; nothing that a person wrote is overwritten unless that is said."""
    kind = at.directory / "kinds" / "first" / "kind.yml"
    kind.parent.mkdir(parents=True)
    assert (await imported(at, "--only", "linux64?opt", "--out", str(kind))).status == 0
    before = kind.read_text()
    assert list(builders(before).values()) == ["linux64 opt", "linux64-opt", "linux64/opt"]
    again = await imported(at, "--out", str(kind))
    assert again.status == 2
    assert f"--out: {kind} is there already. Print what it lacks with --missing-from {kind}, or replace it" in again.err
    assert kind.read_text() == before
    for known in (kind, at.directory / "kinds"):
        missing = await imported(at, "--missing-from", str(known), "--only", "M*", "--only", "l*", "--only", "on")
        assert builders(missing.out) == {"mac": "mac", "on": "on"}
    assert (await imported(at, "--only", "mac", "--out", str(kind), "--force")).status == 0
    assert builders(kind.read_text()) == {"mac": "mac"}


async def test_builders_of_a_graph_in_a_file_are_known(at: Desk) -> None:
    kind = at.directory / "kinds" / "graph" / "kind.yml"
    kind.parent.mkdir(parents=True)
    kind.write_text("loader: bridge.taskgraph.loader:loader\nbuilders-graph: graph.json\n")
    (kind.parent / "graph.json").write_text('{"linux64 opt": ["mac"]}')
    for known in (kind, at.directory / "kinds"):
        missing = await imported(at, "--missing-from", str(known), "--only", "mac", "--only", "linux64 opt", "--only", "on")
        assert builders(missing.out) == {"on": "on"}
    (kind.parent / "graph.json").unlink()
    absent = await imported(at, "--missing-from", str(kind))
    assert absent.status == 2
    assert "graph.json cannot be read: No such file or directory" in absent.err


async def test_a_mistake_is_one_message(at: Desk, master: BuildbotSandbox) -> None:
    (at.directory / "broken.yml").write_text("a: [")
    told = {
        ("--buildbot", "other"): "--buildbot: there is no [buildbots.other]; name one of main",
        ("--only", "nothing"): "--only: no builder matches; buildbot main opens ",
        ("--missing-from", "broken.yml"): "--missing-from: broken.yml is not YAML: ",
        ("--missing-from", "absent.yml"): "--missing-from: absent.yml cannot be read: No such file or directory",
        ("--out", "absent/kind.yml"): "--out: absent/kind.yml cannot be written: No such file or directory",
    }
    for arguments, said in told.items():
        done = await imported(at, *arguments)
        assert (done.status, done.out) == (2, "")
        assert said in done.err
    two = {name: {"url": master.url, "token": master.token} for name in ("main", "second")}
    settings(at, master, buildbots=two)
    assert "--buildbot: there are several; name one of main, second" in (await imported(at)).err
    assert "buildbots.second is used by no pool" in (await imported(at, "--buildbot", "second")).err


async def test_a_master_that_is_away_or_refuses_is_one_message(at: Desk, master: BuildbotSandbox) -> None:
    settings(at, master, buildbots={"main": {"url": f"http://127.0.0.1:{free_port()}", "token": master.token}})
    away = await imported(at)
    assert (away.status, away.out) == (2, "")
    settings(at, master, buildbots={"main": {"url": master.url, "token": "wrong-token-0123456789"}})
    refused = await imported(at)
    assert (refused.status, refused.out) == (2, "")
    assert "token" in refused.err
