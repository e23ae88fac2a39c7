"""What repairs whatever was missed: sweeps, due rows, the guardian; and rows that are written under each other's feet."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "row-overwritten-by-a-rescuer",
        "bridge.engine.engine",
        "            change.before, change.changed = rows, _decided(rows, key.run_id, events)\n",
        '            known = vars(self.queue).setdefault("_rows_seen", {}).setdefault(key.task_id, dict(rows))\n'
        "            change.before, change.changed = known, _decided(known, key.run_id, events)\n"
        "            known.update(change.changed)\n",
        "a rescuer overwrites a row that finished after it was read (river#1302): what this process remembers counts, not "
        "the row under its lock",
        "S6, S4",
        by=("simulation",),
    ),
    Mutant(
        "nobody-rescues",
        "bridge.engine.paying",
        "            runs = await engine.runs.due(engine.me, limit=room, foreign=self.foreign)\n",
        "            runs = await engine.runs.due(engine.me, limit=room, foreign=False)\n",
        "stuck-running rows that nobody rescues (river#1258)",
        "L7",
        by=("simulation",),
    ),
    Mutant(
        "due-rows-unpaid",
        "bridge.engine.paying",
        "            if not await self._turn():\n",
        "            if self.foreign or not await self._turn():\n",
        "the loop that pays what is due has died in silence (P-03, F-08)",
        "L4, L7",
        by=("simulation",),
    ),
    Mutant(
        "slots-leak",
        "bridge.engine.crew",
        "                self._busy.discard(key)\n",
        "",
        "a leaked in-memory counter stops scheduling in silence (V7)",
        "L2, L4",
        by=("simulation",),
    ),
    Mutant(
        "pending-never-swept",
        "bridge.engine.sweeps",
        "        async for page in self.engine.queue.pending(pool.task_queue_id):\n",
        "        async for page in self.engine.queue.pending(pool.task_queue_id):\n            break\n",
        "a lost task-pending is a lost task (T-25; hazard 1.1)",
        "L1",
        by=("simulation",),
        first=("single/success/ack/failover",),
    ),
    Mutant(
        "statuses-never-swept",
        "bridge.engine.sweeps",
        "            moved += await self._statuses_of([run for run in page if run.pool in self.engine.pools])\n",
        "            moved += []\n",
        "a lost cancel message: the build runs on (T-10; hazard 12.1)",
        "L3",
        by=("simulation",),
    ),
    Mutant(
        "states-never-swept",
        "bridge.engine.sweeps",
        "            moved += await self.states_of(held, pools)\n",
        "            moved += []\n",
        "a lost finish message: reclaimed until the deadline, the row for ever (B-06)",
        "L2",
        by=("simulation",),
        first=("single/success/changes/timeout_after_effect",),
    ),
    Mutant(
        "strangers-never-swept",
        "bridge.engine.strangers",
        "        seen = run_in(status, key.run_id)\n",
        "        seen = None\n",
        "the mapping is not rebuilt after rows were lost (L9; hazard 3.3)",
        "S11, L9",
        by=("simulation",),
        first=("single/cancelled while running/submit/database_dropped",),
    ),
    Mutant(
        "absence-is-evidence",
        "bridge.engine.sweeps",
        "                moved += await self._hinted(rows.values())  # absence proves nothing: a look asks for this very task\n",
        "                from bridge.core.events import TaskMissing\n\n"
        "                for row in rows.values():\n"
        "                    for wait in (0, 10):\n"
        "                        gone = at + timing.LOOK_AGAIN * wait\n"
        "                        await self.engine.heard(row.key, TaskMissing(gone, gone))\n",
        "a missing entry of a list is believed (hazard 9.7, 2.1)",
        "S7",
        by=("simulation",),
    ),
    Mutant(
        "no-guardian",
        "bridge.engine.guarding",
        "        return sum([await self._renewed(key) for key in await self._untended(self.engine.queue.half_over())])\n",
        "        return 0\n",
        "claimed, then the database is away: the claim expires (hazard 7.7)",
        "L4",
        by=("simulation",),
    ),
    Mutant(
        "poisoned-forever",
        "bridge.core.timing",
        "    return replace(run, phase=phase, not_before=at, attempts=0, missing_since=None, missing_reads=0)\n",
        "    return replace(run, phase=phase, not_before=at + timedelta(days=1), attempts=0, missing_since=None, missing_reads=0)\n",
        "several writes with no owner of the gap: what the new phase owes is nobody's (F-19)",
        "L1-L6",
    ),
)
