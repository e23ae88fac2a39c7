"""What follows if nothing fails any more: everything has to come to its end."""

from typing import NamedTuple

from bridge.core.debts import due_at
from bridge.core.run import RunId, Settled
from bridge.core.status import RunState
from tests.model import invariants
from tests.model.moments import minute_of, moment
from tests.model.space import Space
from tests.model.states import A_B, A_P, A_Q, A_R, A_T, A_W, M_B, M_P, M_Q, M_R, M_S, M_W
from tests.unit.core.queue_automaton import OPEN, POLL, RESOLVER
from tests.unit.core.samples import RULES

PLACES = {"queue": "task", "buildbot": "requests", "rows": "rows"}
_ROUNDS = 120
_PAYMENTS = 24
_BUILDS_END = 29  # builds end at this minute of each half hour: so late that a claim is renewed before, or expires
_HALF_HOUR = 30
_PROMPT = 2  # minutes within which a bridge that nothing hinders acts
_AMPLE = 40  # minutes before the deadline that are enough for everything


class Base(NamedTuple):
    """What is left of a state when nobody is at work: the minute, the task, the requests, the rows."""

    minute: int
    task: int
    requests: int
    rows: int


class StuckError(Exception):
    """Without a fault, something went wrong all the same."""


class Continuation:
    """The schedule without faults, from any state; what is known to end well is remembered.

    The sweep for strangers comes seldom: only lost rows, and what a process does after a long pause, may need it (L3).
    """

    def __init__(self, space: Space) -> None:
        self.space, self.moves = space, space.moves
        self.good: set[Base] = set()
        self._told: list[str] = []
        self._idle = self.moves.idle()
        strays = {"loss", "pause"} & space.config.budget.keys()
        self._sweeps = ("statuses", "states", "strangers") if strays else ("statuses", "states")

    def wrong(self, state: int) -> list[str]:
        """What happens where it does not end well, and what is wrong with that; empty if all is well."""
        self._told.clear()
        try:
            base = self._base(state)
            if base not in self.good:
                self._follow(base)
        except StuckError as stuck:
            return [*self._told, str(stuck)]
        return []

    def _base(self, state: int) -> Base:
        base = Base(state >> A_T, state >> A_Q & M_Q, state >> A_B & M_B, state >> A_R & M_R)
        if wire := state >> A_W & M_W:
            base = self._arrived(base, wire)
        for replica in (state >> A_P & M_P, state & M_S):
            base = self._finished(base, replica)
        return base

    def _arrived(self, base: Base, wire: int) -> Base:
        side, move = self.space.arrival(base.minute, wire, base.task, base.requests, base.rows)
        self._told.append(move.label)
        if move.wrong:
            raise StuckError(move.wrong)
        return base._replace(**{PLACES[side]: move.part})

    def _finished(self, base: Base, replica: int) -> Base:
        """A replica finishes what it does, and every call succeeds."""
        while self.space.busy(replica):
            side, moves = self.space.steps(base.minute, replica, base.task, base.requests, base.rows)
            move = moves[0]
            self._told.append(move.label)
            if move.wrong:
                raise StuckError(move.wrong)
            base, replica = base._replace(**{PLACES[side]: move.part}), move.replica
        return base

    def _follow(self, base: Base) -> None:
        """Follow the schedule to its end, or to where its end is known."""
        chain: list[Base] = []
        while base not in self.good and not self._at_rest(base):
            chain.append(base)
            following = self._round(base)
            if following == base:
                following = self._later(base)
            self._prompt(chain, following)
            if len(chain) > _ROUNDS:
                raise StuckError(f"no rest after {_ROUNDS} rounds: {self._words(base)}")
            base = following
        self.good.update(chain)
        self.good.add(base)

    def _prompt(self, chain: list[Base], following: Base) -> None:
        """L4: no claim of ours expires that had time left; L2: no run waits for its deadline."""
        before, after = self.moves.tasks[chain[-1].task], self.moves.tasks[following.task]
        for number, run in enumerate(before.runs):
            ended = after.runs[number].reason_resolved if run.state in OPEN else None
            ours = run.worker is not None and run.worker.group == RULES.worker_group
            if ended == "claim-expired" and ours and minute_of(run.taken_until) >= self._since(chain, number) + _PROMPT:
                raise StuckError(f"L4: the claim of run {number} expired: {self._words(following)}")
            if ended == "deadline-exceeded" and chain[0].minute + _AMPLE < minute_of(before.deadline):
                raise StuckError(f"L2: run {number} waited for its deadline: {self._words(chain[-1])}")

    def _since(self, chain: list[Base], number: int) -> int:
        """Since when, at the latest, the run was claimed in this chain."""
        claimed = (b.minute for b in chain if self.moves.tasks[b.task].runs[number].state is RunState.RUNNING)
        return next((minute for minute in claimed), chain[-1].minute)

    def _round(self, base: Base) -> Base:
        """One round of everything; Buildbot's turn comes when the bridge has nothing to do."""
        base = self._listed(self._resolved(base))
        for sweep in self._sweeps:
            base = self._finished(base, self.space.swept(base.minute, self._idle, sweep).replica)
        for run in self.moves.rows[base.rows]:
            base = self._settled(base, run.key.run_id)
        return base

    def _resolved(self, base: Base) -> Base:
        moves = (move for move in self.space.queue(base.minute, base.task) if move.cost is None)
        return next((base._replace(task=move.part) for move in moves), base)

    def _listed(self, base: Base) -> Base:
        last = RunId(len(self.moves.tasks[base.task].runs) - 1)
        if self.moves.tasks[base.task].runs[last].state is not RunState.PENDING:
            return base
        return base._replace(rows=self.moves.with_row(base.minute, base.task, base.rows, last))

    def _settled(self, base: Base, number: int) -> Base:
        for _ in range(_PAYMENTS):
            begun = dict(self.space.beginnings(base.minute, self._idle, base.rows)).get(number)
            if begun is None:
                return base
            self._told.append(f"a replica {begun.label}")
            base = self._finished(base, begun.replica)
        raise StuckError(f"a tight loop: run {number} owes for ever: {self._words(base)}")

    def _later(self, base: Base) -> Base:
        """Buildbot works on, or time passes until something is due."""
        if left := invariants.unheld(self.moves.requests[base.requests], self.moves.rows[base.rows]):
            raise StuckError(
                f"L3: the requests of runs {left} are open, and nobody is about to end them: {self._words(base)}"
            )
        moves = [move for move in self.space.buildbot(base.requests) if move.cost is None]
        if moves and (base.minute % _HALF_HOUR == _BUILDS_END or not self._builds(base)):
            self._told.append(moves[-1].label)
            return base._replace(requests=moves[-1].part)
        whens = [when for run in self.moves.rows[base.rows] if (when := due_at(run)) is not None]
        last = self.moves.tasks[base.task].runs[-1]
        whens += [last.taken_until + POLL] if last.state is RunState.RUNNING and last.taken_until else []
        whens += [self.moves.tasks[base.task].deadline + RESOLVER] if last.state in OPEN else []
        minutes = [minute for when in whens if (minute := minute_of(when)) > base.minute]
        minutes += [(base.minute + 1) // _HALF_HOUR * _HALF_HOUR + _BUILDS_END] if self._builds(base) else []
        if not minutes:
            raise StuckError(f"nothing is due, and it is not over: {self._words(base)}")
        self._told.append(f"time passes: it is minute {min(minutes)}")
        return base._replace(minute=min(minutes))

    def _builds(self, base: Base) -> bool:
        """Whether a build runs, and nobody has asked to end it."""
        requests = self.moves.requests[base.requests]
        return any(
            not state.complete and number not in requests.stops and state.builds and state.builds[-1].results is None
            for number, state in requests.requests
        )

    def _at_rest(self, base: Base) -> bool:
        settled = all(isinstance(run.phase, Settled) for run in self.moves.rows[base.rows])
        complete = all(state.complete for _, state in self.moves.requests[base.requests].requests)
        return settled and complete and self.moves.tasks[base.task].runs[-1].state not in OPEN

    def _words(self, base: Base) -> str:
        rows = "; ".join(str(run) for run in self.moves.rows[base.rows])
        return f"minute {base.minute} ({moment(base.minute)}): {rows}; {self.moves.tasks[base.task]}; {self.moves.requests[base.requests]}"
