"""An explicit-state check of the real core and engine: every state that can be reached, level by level.

What is checked. One task with its runs, its build requests and its rows, and two replicas of the bridge. A replica runs the
engine's own code and through it the core's; each of its calls (a status read, a claim, a submit, a transaction …) is one
step, before and after which anything else can happen: the other replica's steps, a crash, time, and what people, the queue's
resolvers and Buildbot do. How often faults and people strike is limited by a budget, so that the states are finitely many.

What is promised. In each state that is seen S1-S8 and S12 hold as far as they can be seen here (`invariants`), no defect was
met, and the schedule without faults that starts there ends well: rows settled, requests complete, the task resolved, no
claim expired, and not by the deadline (`continuation`). A violation is told as the shortest way to it.

What it does not know. HTTP, SQL, messages' bodies, uploads, lengths of waits below a minute: `tests.integration` and
`tests.acceptance` do. A row that settles keeps its settled state for good; retention is not modelled. Leases are: a replica
begins with a row that the other works on only after the lease's end, which the budget's `expiry` brings at any time. A
replica trusts its lease for one command here, then it has to lease the row again. Holders of credentials have no precedence.

How. `replica` runs coroutines from call to call, `transitions` works each step out once and remembers it by the numbers of
the parts that it depends on, `space` composes states, `search` walks, `configs` says what is let loose.
"""
