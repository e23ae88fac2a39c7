"""A configuration under which the plugin could not keep its promises stops the master's start, in plain words."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.buildbot import BuildbotSandbox
from tests.sandbox.environment import ensure_environment
from tests.sandbox.process import ServerDiedError

MINIMAL = """
c['workers'].append(worker.LocalWorker('local'))
c['builders'] = [util.BuilderConfig(name='only', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['only'])]
"""


CHECK = """
import json, sys
from buildbot.config import ConfigErrors
from buildbot.plugins import util
for arguments in json.load(sys.stdin):
    try:
        util.TaskclusterBridge(**arguments)
        print('accepted')
    except ConfigErrors as refused:
        print(*refused.errors)
"""
GOOD: dict[str, object] = {"token": "0123456789abcdef"}
CASES: list[tuple[dict[str, object], str]] = [
    (GOOD, "accepted"),
    ({"token": ["0123456789abcdef", "fedcba9876543210"], "max_pending": {"*": 5}}, "accepted"),
    ({}, "token is missing"),
    ({"token": []}, "token is missing"),
    ({"token": "short"}, "at least 16 characters"),
    ({"token": ["0123456789abcdef", ""]}, "at least 16 characters"),
    ({**GOOD, "builders": "all"}, "builders must be a list"),
    ({**GOOD, "builders": [1]}, "builders must be a list"),
    ({**GOOD, "max_pending": 0}, "max_pending must be"),
    ({**GOOD, "max_pending": True}, "max_pending must be"),
    ({**GOOD, "max_pending": {"only": "many"}}, "max_pending must be"),
    ({**GOOD, "spool": "/var/spool/bridge", "spool_days": 0.5, "spool_bytes": 1}, "accepted"),
    ({**GOOD, "spool": ""}, "spool must be"),
    ({**GOOD, "spool": 5}, "spool must be"),
    ({**GOOD, "spool_days": 0}, "spool_days must be"),
    ({**GOOD, "spool_days": "3"}, "spool_days must be"),
    ({**GOOD, "spool_days": float("inf")}, "spool_days must be"),
    ({**GOOD, "spool_bytes": 1.5}, "spool_bytes must be"),
    ({**GOOD, "spool_bytes": True}, "spool_bytes must be"),
]


def test_a_configuration_that_cannot_work_is_refused_in_plain_words() -> None:
    python = ensure_environment() / "bin" / "python"
    asked = json.dumps([arguments for arguments, _ in CASES])
    done = subprocess.run([python, "-c", CHECK], input=asked, capture_output=True, text=True, timeout=60, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(CASES), done.stderr
    for (arguments, word), answer in zip(CASES, answers, strict=True):
        assert word in answer, arguments


async def test_an_empty_secret_stops_the_start_and_a_bad_reconfig_changes_nothing(tmp_path: Path) -> None:
    sandbox = BuildbotSandbox(tmp_path, master_config=MINIMAL, workers=0)
    async with sandbox:
        assert (await sandbox.reconfig(MINIMAL + "del BRIDGE['token']\n")).startswith("aborted")
        assert "token is missing" in sandbox.log
        assert (await sandbox.plugin("GET", "version"))[0] == 200, "the old configuration stays in force"

        epoch = (await sandbox.plugin("GET", "version"))[1]["epoch"]
        assert await sandbox.reconfig(MINIMAL + "BRIDGE['builders'] = ['o*']\n") == "complete"
        version = (await sandbox.plugin("GET", "version"))[1]
        assert (version["builders"], version["epoch"]) == (["o*"], epoch)

        await sandbox.stop()
        sandbox.write_secret("bridge-token", "")
        with pytest.raises(ServerDiedError):
            await sandbox.start()
        assert "token must be" in sandbox.log


STEPS: list[tuple[dict[str, object], str]] = [
    ({"source": "dist/*"}, "accepted"),
    ({"source": "x", "artifact": "y", "public": False, "mandatory": False, "name": "give"}, "accepted"),
    ({}, "source is missing"),
    ({"source": "x", "public": "no"}, "must be True or False"),
    ({"source": "x", "mandatory": 1}, "must be True or False"),
]


def test_a_step_that_cannot_work_is_refused_in_plain_words() -> None:
    python = ensure_environment() / "bin" / "python"
    check = CHECK.replace("util.TaskclusterBridge", "steps.TaskclusterArtifact").replace("import util", "import steps")
    asked = json.dumps([arguments for arguments, _ in STEPS])
    done = subprocess.run([python, "-c", check], input=asked, capture_output=True, text=True, timeout=60, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(STEPS), done.stderr
    for (arguments, word), answer in zip(STEPS, answers, strict=True):
        assert word in answer, arguments


STOPPING = """
from types import SimpleNamespace
from buildbot.db.model import Model
from twisted.internet import defer
from bridge.master import submit

def answer(shutting_down):
    pool = SimpleNamespace(do=lambda _read: defer.succeed([]))
    botmaster = SimpleNamespace(shuttingDown=shutting_down)
    master = SimpleNamespace(db=SimpleNamespace(model=Model, pool=pool), botmaster=botmaster)
    asked = defer.Deferred.fromCoroutine(submit._builder_id(master, 'only', is_open=True))
    asked.addErrback(lambda failure: print(failure.value.status, failure.value.code))

answer(shutting_down=False)
answer(shutting_down=True)
"""


def test_a_master_that_ends_and_has_taken_its_builders_off_says_not_ready_and_not_unknown_builder() -> None:
    python = ensure_environment() / "bin" / "python"
    done = subprocess.run([python, "-c", STOPPING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["404 UnknownBuilder", "503 NotReady"], done.stderr
