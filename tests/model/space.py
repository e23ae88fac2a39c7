"""The state space of one configuration: the states that follow a state, and why."""

from typing import NamedTuple

from tests.model.configs import Config
from tests.model.replica import Replica
from tests.model.states import A_B, A_C, A_P, A_Q, A_R, A_T, A_U, A_W, M_B, M_C, M_P, M_Q, M_R, M_S, M_U, M_W, packed
from tests.model.transitions import Cores, Move, Transitions


class Step(NamedTuple):
    """One step: what happens, the state after it, what is wrong with it, and which replica it is by (by its place)."""

    label: str
    state: int
    wrong: str | None = None
    by: int = -1


class Space:
    def __init__(self, config: Config, cores: Cores | None = None) -> None:
        self.config = config
        self.moves = Transitions(config, cores or Cores())
        self._queue: dict[int, list[Move]] = {}
        self._buildbot: dict[int, list[Move]] = {}
        self._messages: dict[tuple[int, int, int], list[Move]] = {}
        self._beginnings: dict[tuple[int, int, int], list[tuple[int, Move]]] = {}
        self._steps: dict[tuple[int, ...], tuple[str, list[Move]]] = {}
        self._spent: dict[tuple[int, str], int | None] = {}
        self._sweeps: dict[tuple[int, int, str], Move] = {}
        self._arrivals: dict[tuple[int, ...], tuple[str, Move]] = {}
        self._strays: dict[tuple[int, int], str | None] = {}
        self._needs: list[int] = []

    def first(self) -> int:
        empty = self.moves.rows.number(())
        requests = self.moves.requests.number(self.moves.requests_none())
        idle = self.moves.idle()
        return packed(0, self.moves.first_task(), requests, empty, empty, self.moves.first_budget(), 0, idle, idle)

    def following(self, state: int) -> list[Step]:
        """All steps from a state."""
        t, q, b = state >> A_T, state >> A_Q & M_Q, state >> A_B & M_B
        r, c, u = state >> A_R & M_R, state >> A_C & M_C, state >> A_U & M_U
        w, p, s = state >> A_W & M_W, state >> A_P & M_P, state & M_S
        found = [
            Step(m.label, packed(t, m.part, b, r, c, v, w, p, s))
            for m in self.queue(t, q)
            if (v := self.paid(u, m.cost)) is not None
        ]
        found += [
            Step(m.label, packed(t, q, m.part, r, c, v, w, p, s))
            for m in self.buildbot(b)
            if (v := self.paid(u, m.cost)) is not None
        ]
        found += [Step(m.label, packed(t, q, b, m.part, c, u, w, p, s)) for m in self.messages(t, q, r)]
        found += self._of_rows(t, q, b, r, c, u, w, p, s)
        if w:
            found.append(self._arriving(t, q, b, r, c, u, w, p, s))
        found += self._of_time(t, q, b, r, c, u, w, p, s)
        found += self._of_replica(t, q, b, r, c, u, w, p, s, 0)
        if p != s:
            found += self._of_replica(t, q, b, r, c, u, w, s, p, 1)
        return found

    def wrong(self, state: int) -> str | None:
        """What is wrong with the state itself, however it was reached."""
        key = state >> A_B & M_B, state >> A_R & M_R
        if key not in self._strays:
            self._strays[key] = self.moves.strays(*key)
        return self._strays[key]

    # Looked up

    def paid(self, budget: int, kind: str | None) -> int | None:
        if kind is None:
            return budget
        key = budget, kind
        if key not in self._spent:
            self._spent[key] = self.moves.spent(budget, kind)
        return self._spent[key]

    def queue(self, t: int, q: int) -> list[Move]:
        key = t << 32 | q
        found = self._queue.get(key)
        if found is None:
            found = self._queue[key] = self.moves.by_queue(t, q)
        return found

    def buildbot(self, b: int) -> list[Move]:
        found = self._buildbot.get(b)
        if found is None:
            found = self._buildbot[b] = self.moves.by_buildbot(b)
        return found

    def messages(self, t: int, q: int, r: int) -> list[Move]:
        key = t, q, r
        found = self._messages.get(key)
        if found is None:
            found = self._messages[key] = self.moves.by_messages(t, q, r)
        return found

    def beginnings(self, t: int, p: int, r: int) -> list[tuple[int, Move]]:
        key = t, p, r
        found = self._beginnings.get(key)
        if found is None:
            found = self._beginnings[key] = self.moves.beginnings(t, p, r)
        return found

    def swept(self, t: int, p: int, sweep: str) -> Move:
        key = t, p, sweep
        found = self._sweeps.get(key)
        if found is None:
            found = self._sweeps[key] = self.moves.sweep(t, self.moves.replicas[p].memory, sweep)
        return found

    def arrival(self, t: int, w: int, q: int, b: int, r: int) -> tuple[str, Move]:
        key = t, w, q, b, r
        found = self._arrivals.get(key)
        if found is None:
            found = self._arrivals[key] = self.moves.arrival(t, w, q, b, r)
        return found

    def steps(self, t: int, p: int, q: int, b: int, r: int) -> tuple[str, list[Move]]:
        """What may become of a replica's call; it depends on the side called, and of some calls the rules do on more."""
        needs = self._needs_of(p)
        key = (t, p, q if needs & 1 else -1, b if needs & 2 else -1, r if needs & 4 else -1)
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = self.moves.steps(t, p, q, b, r)
        return found

    def _needs_of(self, p: int) -> int:
        while len(self._needs) <= p:
            self._needs.append(needs_of(self.moves.replicas[len(self._needs)]))
        return self._needs[p]

    # Steps

    def _arriving(self, t: int, q: int, b: int, r: int, c: int, u: int, w: int, p: int, s: int) -> Step:
        """The call that its sender gave up takes effect."""
        side, move = self.arrival(t, w, q, b, r)
        task, requests = (move.part, b) if side == "queue" else (q, move.part)
        return Step(move.label, packed(t, task, requests, r, c, u, 0, p, s) if move.wrong is None else -1, move.wrong)

    def _of_time(self, t: int, q: int, b: int, r: int, c: int, u: int, w: int, p: int, s: int) -> list[Step]:
        """Time passes; leases end by it. A replica at work is paused meanwhile."""
        later = next((point for point in self.config.points if point > t), None)
        if later is None or w:
            return []
        v: int | None = u
        for replica in (p, s):
            if v is not None and self.busy(replica):
                v = self.paid(v, "pause")
        if v is None:
            return []
        return [Step(f"time passes: it is minute {later}", packed(later, q, b, r, c, v, w, p, s))]

    def busy(self, p: int) -> bool:
        return self.moves.replicas[p].work is not None

    def _of_rows(self, t: int, q: int, b: int, r: int, c: int, u: int, w: int, p: int, s: int) -> list[Step]:
        found = []
        if c != r and (v := self.paid(u, "backup")) is not None:
            found.append(Step("from here on commits are lost, should the database fail", packed(t, q, b, r, r, v, w, p, s)))
        if c != r and (v := self.paid(u, "loss")) is not None:
            found.append(Step("the database fails, and its last commits are lost", packed(t, q, b, c, c, v, w, p, s)))
        return found

    def _of_replica(self, t: int, q: int, b: int, r: int, c: int, u: int, w: int, p: int, s: int, by: int) -> list[Step]:
        if not self.busy(p):
            return self._begin(t, q, b, r, c, u, w, p, s, by)
        side, moves = self.steps(t, p, q, b, r)
        found = []
        for move in moves:
            v = self.paid(u, move.cost)
            if v is None or (move.wire and w):
                continue
            after = (
                (t, move.part, b, r)
                if side == "queue"
                else (t, q, move.part, r)
                if side == "buildbot"
                else (t, q, b, move.part)
            )
            state = packed(*after, c, v, move.wire or w, move.replica, s) if move.wrong is None else -1
            found.append(Step(move.label, state, move.wrong, by))
        if (v := self.paid(u, "crash")) is not None:
            found.append(Step("crashes", packed(t, q, b, r, c, v, w, self.moves.idle(), s), None, by))
        return found

    def _begin(self, t: int, q: int, b: int, r: int, c: int, u: int, w: int, p: int, s: int, by: int) -> list[Step]:
        found = []
        leased = self._leased(t, s)
        for run, move in self.beginnings(t, p, r):
            v = self.paid(u, "expiry") if run >= 0 and run == leased else u
            if v is not None:
                label = move.label + (", whose lease the other one has lost" if v != u else "")
                found.append(Step(label, packed(t, q, b, r, c, v, w, move.replica, s), move.wrong, by))
        return found

    def _leased(self, t: int, s: int) -> int:
        """The run that the replica has leased; a lease lives no longer than time stands still."""
        replica = self.moves.replicas[s]
        if replica.work is None or replica.work.run is None or replica.began != self.moves.at(t):
            return -1
        return replica.work.run.key.run_id


def needs_of(replica: Replica) -> int:
    """On which sides the answer, and the rules about the call, depend: 1 the queue, 2 Buildbot, 4 the rows."""
    if replica.call is None:
        return 0
    match replica.call.name:
        case "claim" | "resolve" | "cancel_task" | "submit":
            return 3
        case "cancel":
            return 7
    return {"queue": 1, "buildbot": 2, "rows": 4}[replica.call.side]
