"""What is let loose in each run of the check: who may do what, how often, over which time."""

from dataclasses import dataclass, field

from bridge.core.verdict import Results

KINDS = (
    "fault",  # a call fails, before or after its effect
    "late",  # a call times out, and takes effect later
    "denied",  # the queue refuses credentials, 401 or 403
    "database",  # a transaction fails, before or after its commit
    "crash",  # a replica dies, between any two effects
    "expiry",  # a replica begins with a row that another has leased and still works on
    "pause",  # a replica stops while time passes, and goes on with what it knew
    "cancel",  # a person cancels the task
    "rerun",  # a person reruns the task
    "retry",  # a build ends RETRY: its worker is lost, or its master died
    "stop",  # a person cancels the build request in Buildbot
    "shutdown",  # the master stops in good order
    "collapse",  # the request is merged into another
    "vanish",  # Buildbot's database forgets a request
    "backup",  # the state of the rows to which a loss may set them back is taken
    "loss",  # the rows are set back to the backup: at first, to none
    "foreign",  # somebody else's worker claims the run
)


START, SUCCESS, RETRY = "starts a build", "the build ends SUCCESS", "the build ends RETRY"
PLAIN = (START, SUCCESS)
TIME = "time passes"


@dataclass(frozen=True, slots=True)
class Config:
    """`points`: the minutes between which time may jump; `share`: which part of the states it is given.

    `lives`: what happens in the plain lives whose every state is a beginning of the search, each event named by a part of
    its words. `size`: how many states it has in all, where that is known and small; what it does not need, the others get.
    """

    name: str
    covers: str
    budget: dict[str, int] = field(hash=False)
    points: tuple[int, ...] = (0,)
    deadline: int = 180
    retries: int = 1
    results: tuple[Results, ...] = (Results.SUCCESS,)
    sweeps: tuple[str, ...] = ()
    admitted: bool = True
    lives: tuple[tuple[str, ...], ...] = (PLAIN,)
    share: int = 1
    size: int = 0


ALL = tuple(results for results in Results if results not in (Results.RETRY, Results.CANCELLED))

CONFIGS = (
    Config(
        "plain",
        "one run from pending to reported: lost answers, crashes, two replicas on one row",
        {"fault": 2, "crash": 1, "expiry": 2},
        size=110_000,
    ),
    Config(
        "cancel",
        "a person cancels and reruns while the run is submitted, built or reported",
        {"cancel": 1, "rerun": 1, "fault": 1, "crash": 1, "expiry": 1},
        share=2,
        lives=(PLAIN, (START, "a person cancels the task", "a person reruns", "takes effect", *PLAIN)),
    ),
    Config(
        "retry",
        "builds end RETRY, requests pass from run to run, retries are used up",
        {"retry": 2, "fault": 1, "crash": 1, "expiry": 1},
        share=2,
        lives=(PLAIN, (START, RETRY, *PLAIN), (START, RETRY, START, RETRY)),
    ),
    Config(
        "expired",
        "replicas stop while the claim expires, once and again; the next run adopts; paused replicas go on",
        {"fault": 1, "crash": 1, "pause": 2},
        points=(0, 9, 21, 42),
        share=2,
        lives=((START, TIME, TIME, SUCCESS), (START, TIME, TIME, TIME, SUCCESS)),
    ),
    Config(
        "deadline",
        "the deadline passes while the run waits, builds or is reported",
        {"fault": 1, "crash": 1, "pause": 1, "retry": 1},
        points=(0, 12, 29, 30, 31, 32),
        deadline=30,
        share=2,
        lives=(
            (START, TIME, TIME, TIME, TIME, TIME, "the queue's resolver acts", "takes effect"),
            (START, TIME, TIME, TIME, SUCCESS),
        ),
    ),
    Config(
        "buildbot",
        "people cancel in Buildbot, the master stops, requests are collapsed or forgotten; every result",
        {"stop": 1, "shutdown": 1, "collapse": 1, "vanish": 1, "fault": 1, "expiry": 1},
        results=ALL,
        share=2,
        lives=(PLAIN, (START, "a person cancels it"), (START, "the master stops"), ("it is collapsed",)),
        size=325_000,
    ),
    Config(
        "sweeps",
        "sweeps, without leases, beside replicas that pay; people cancel and cancel in Buildbot",
        {"retry": 1, "cancel": 1, "stop": 1, "crash": 1},
        sweeps=("statuses", "states"),
        share=2,
    ),
    Config(
        "late",
        "calls that timed out take effect later, while people cancel and rerun",
        {"late": 2, "cancel": 1, "rerun": 1, "retry": 1},
        share=2,
        lives=(
            PLAIN,
            (START, "a person cancels the task", "a person reruns", "takes effect", *PLAIN),
            (START, RETRY, *PLAIN),
        ),
    ),
    Config(
        "amnesia",
        "the database loses its last commits, or all rows; sweeps rebuild them from both sides",
        {"backup": 1, "loss": 1, "retry": 1, "cancel": 1, "crash": 1},
        points=(0, 21),
        sweeps=("statuses", "strangers"),
        share=2,
        lives=(PLAIN, (START, RETRY, *PLAIN), (START, "the database fails")),
    ),
    Config(
        "refused",
        "a task that may not become a build, while people cancel and rerun",
        {"fault": 2, "crash": 1, "expiry": 2, "cancel": 1, "rerun": 1, "denied": 1},
        admitted=False,
        lives=((),),
    ),
    Config(
        "denied",
        "the queue refuses credentials, transactions fail or their outcome is unknown",
        {"denied": 1, "database": 2, "retry": 1, "expiry": 1},
        lives=(PLAIN, (START, RETRY, *PLAIN)),
    ),
    Config(
        "foreign",
        "somebody else's worker claims the run at any time",
        {"foreign": 1, "fault": 1, "expiry": 1, "crash": 1, "retry": 1},
        points=(0, 21),
        lives=(PLAIN, ("somebody else claims",)),
    ),
)
