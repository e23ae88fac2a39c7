"""What people and machines do in a schedule: jobs, deeds, and the canonical scenarios made of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.simulation.buildbot import EXCEPTION, FAILURE, RETRY, SKIPPED, SUCCESS, Outcome

# Builders and how many builds of each can run at once. `nobody` has no worker; `removed` is allowed and not configured.
BUILDERS: Mapping[str, int] = {"plain": 5, "solo": 1, "nobody": 0}
ALLOWED = ("plain", "solo", "nobody", "removed")
GOOD = Outcome(20.0, SUCCESS)


@dataclass(frozen=True, slots=True)
class Job:
    """A task to be created `at` some second, and how its builds go, one after the other; the last one for all others.

    `deadline` in seconds after its creation. `payload` None: what the builder's name makes of it.
    """

    at: float = 0.0
    builder: str = "plain"
    outcomes: tuple[Outcome, ...] = (GOOD,)
    retries: int = 5
    deadline: float = 3000.0
    payload: object = None
    scopes: tuple[str, ...] = ("buildbot-bridge:builder-name:*",)
    priority: str = "lowest"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody does at some second; `task` is the number of the job it is about."""

    at: float
    what: str
    task: int = 0
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story without faults.

    `claim`: seconds of a claim. `cap`: pending requests of one builder, as the plugin allows. `replicas` of the three
    services. `skews`: by how many seconds a process's clock may be ahead. `lossy`, `doubling`: shares of Pulse messages
    that are lost or come twice; with `reordering` half of them are late. `kept`: by its deeds alone no claim may expire.
    """

    name: str
    jobs: tuple[Job, ...]
    deeds: tuple[Deed, ...] = ()
    claim: float = 1200.0
    cap: int = 200
    replicas: tuple[int, int, int] = (1, 1, 1)
    skews: tuple[float, ...] = (0.0,)
    lossy: float = 0.0
    doubling: float = 0.0
    reordering: bool = False
    kept: bool = False


def _job(*outcomes: Outcome, **more: object) -> Job:
    return Job(outcomes=outcomes or (GOOD,), **more)  # type: ignore[arg-type]


_LONG = Outcome(90.0, SUCCESS)
_NEVER = Outcome(2000.0, SUCCESS)
CANONICAL = (
    Scenario("success", (_job(),)),
    Scenario("failure", (_job(Outcome(15.0, FAILURE)),)),
    Scenario("files of a build", (_job(Outcome(15.0, SUCCESS, files=3)),)),
    Scenario("exception", (_job(Outcome(15.0, EXCEPTION)),)),
    Scenario("long build", (_job(_LONG),), claim=120.0),
    Scenario("retry, then success", (_job(Outcome(8.0, RETRY), Outcome(45.0, SUCCESS)),)),
    Scenario("retry with no retries left", (_job(Outcome(8.0, RETRY), _NEVER, retries=0),)),
    Scenario("two retries at once", (_job(Outcome(0.2, RETRY), Outcome(0.2, RETRY), Outcome(45.0, SUCCESS)),)),
    Scenario(
        "cancelled while pending", (_job(_LONG, builder="solo"), _job(builder="solo", at=1.0)), (Deed(6.0, "cancel", 1),)
    ),
    Scenario("cancelled while running", (_job(_NEVER),), (Deed(10.0, "cancel"),)),
    Scenario("cancelled in Buildbot", (_job(_NEVER),), (Deed(10.0, "stop build"),)),
    Scenario("cancelled in Buildbot while pending", (_job(builder="nobody"),), (Deed(6.0, "stop build"),)),
    Scenario(
        "master stopped", (_job(Outcome(40.0, SUCCESS), Outcome(45.0, SUCCESS)),), (Deed(10.0, "stop master", value=4.0),)
    ),
    Scenario(
        "master killed", (_job(Outcome(40.0, SUCCESS), Outcome(45.0, SUCCESS)),), (Deed(10.0, "kill master", value=4.0),)
    ),
    Scenario("worker lost", (_job(Outcome(40.0, SUCCESS), Outcome(45.0, SUCCESS)),), (Deed(10.0, "lose worker"),)),
    Scenario("deadline while pending", (_job(builder="nobody", deadline=15.0),)),
    Scenario("deadline while running", (_job(_NEVER, deadline=15.0),)),
    Scenario("claim expired", (_job(Outcome(140.0, SUCCESS)),), (Deed(10.0, "taskcluster away", value=90.0),), claim=60.0),
    Scenario("rerun after failure", (_job(Outcome(5.0, FAILURE), Outcome(5.0, SUCCESS)),), (Deed(15.0, "rerun"),)),
    Scenario("rerun after success", (_job(Outcome(5.0, SUCCESS), Outcome(5.0, SUCCESS)),), (Deed(15.0, "rerun"),)),
    Scenario("cancelled and rerun", (_job(_NEVER, Outcome(9.0, SUCCESS)),), (Deed(8.0, "cancel"), Deed(8.4, "rerun"))),
    Scenario("malformed payload", (_job(payload={"nonsense": 1}),)),
    Scenario("without the scope", (_job(scopes=()),)),
    Scenario("unknown builder", (_job(builder="removed"),)),
    Scenario("full builder", tuple(_job(Outcome(9.0, SUCCESS), builder="solo", at=0.1 * n) for n in range(4)), cap=1),
    Scenario("collapsed", (_job(builder="nobody"),), (Deed(6.0, "collapse"),)),
    Scenario("skipped by a condition", (_job(Outcome(0.0, SKIPPED)),)),
    Scenario("rebuilt by a person", (_job(Outcome(20.0, FAILURE)),), (Deed(8.0, "rebuild"), Deed(26.0, "rebuild"))),
    Scenario("priority changed", (_job(_LONG, builder="solo"), _job(builder="solo", at=1.0)), (Deed(7.0, "priority", 1),)),
    Scenario(
        "claimed by somebody else", (_job(builder="nobody"),), (Deed(7.0, "foreign claim"), Deed(175.0, "foreign report"))
    ),
    Scenario("request erased", (_job(_NEVER),), (Deed(10.0, "erase", value=1.0),), claim=400.0),
    Scenario(
        "claim expired after the build",
        (_job(Outcome(40.0, SUCCESS), _LONG),),
        (Deed(20.0, "taskcluster away", value=90.0),),
        claim=60.0,
    ),
    Scenario(
        "database away past a claim",
        (_job(Outcome(500.0, SUCCESS)),),
        (Deed(60.0, "database away", value=330.0),),
        claim=300.0,
        kept=True,
    ),
    Scenario("build of many claims", (_job(Outcome(400.0, SUCCESS)),), claim=300.0),
    Scenario("cancelled after a retry", (_job(Outcome(8.0, RETRY), _NEVER),), (Deed(190.0, "cancel"),)),
    Scenario(
        "cancelled while the master is deaf", (_job(_NEVER),), (Deed(9.5, "deaf master", value=25.0), Deed(10.0, "cancel"))
    ),
    Scenario(
        "every priority",
        tuple(
            _job(builder="nobody", deadline=200.0, priority=each)
            for each in ("lowest", "medium", "high", "very-high", "highest")
        ),
        (Deed(10.0, "priority", 0, value=5.0),),
    ),
    Scenario(
        "paused by an operator",
        (_job(Outcome(20.0, RETRY), Outcome(90.0, SUCCESS)), _job(Outcome(5.0, SUCCESS), at=20.0)),
        (Deed(12.0, "pause", value=60.0),),
    ),
)
