"""What is let loose in each run of the check: who may do what, how often, over which time."""

from dataclasses import dataclass, field

from bridge.core.verdict import Results

KINDS = (
    "fault",  # a call fails, before or after its effect
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


@dataclass(frozen=True, slots=True)
class Config:
    """`points`: the minutes between which time may jump; `share`: which part of the states it is given.

    `size`: how many states it has in all, where that is known and small; what it does not need, the others get.
    """

    name: str
    covers: str
    budget: dict[str, int] = field(hash=False)
    points: tuple[int, ...] = (0,)
    deadline: int = 180
    retries: int = 1
    results: tuple[Results, ...] = (Results.SUCCESS,)
    sweeps: tuple[str, ...] = ()
    hints: bool = True
    admitted: bool = True
    share: int = 1
    size: int = 0


CONFIGS = (
    Config(
        "plain",
        "one run from pending to reported; lost answers, crashes, two replicas on one row",
        {"fault": 2, "crash": 1, "expiry": 2},
    ),
    Config(
        "cancel",
        "a person cancels and reruns while the run is submitted, built or reported",
        {"cancel": 1, "rerun": 1, "fault": 1, "crash": 1, "expiry": 1},
    ),
    Config(
        "retry",
        "builds end RETRY, requests pass from run to run",
        {"retry": 2, "fault": 1, "crash": 1, "expiry": 1},
    ),
)
