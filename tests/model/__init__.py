"""An explicit-state check of the real core and engine: every state that can be reached, level by level.

What is checked. One task with its runs, its build requests and its rows, and two replicas of the bridge. A replica runs the
engine's own code and through it the core's; each of its calls (a status read, a claim, a submit, a transaction …) is one
step, before and after which anything else can happen: the other replica's steps, a crash, time, and what people, the queue's
resolvers and Buildbot do. How often faults and people strike is limited by a budget, so that the states are finitely many.
A search begins at every state of some plain lives (`lives`), so that it sees the late parts of a life as well as the early.

What is promised. In each state that is seen S1-S8 and S12 hold as far as they can be seen here (`invariants`), no defect was
met, and the schedule without faults that starts there ends well (`continuation`): rows settled, requests complete, the task
resolved; no claim of ours expired that a prompt bridge would have kept (L4), nothing waited for the deadline (L2), and no
open request was without a row that ends it (L3). A violation is told as the shortest way to it from a plain life. The same
numbers come out each time. States are exact numbers, not digests: none is taken for another.

What it does not know. HTTP, SQL, messages' bodies, uploads, full builders, priorities, expired tasks, lengths of waits below
a minute, and more than one task: rows of different tasks are locked apart and meet in nothing. A rebuild is the plugin's
matter: it never shows one to the bridge. Rows stay; retention is not modelled. Leases are: a replica begins with a row that
the other works on only after the lease's end, which the budget's `expiry` brings at any time, and time always. A replica
trusts its lease for one command here, then it has to lease the row again. Holders of credentials have no precedence. A call
that timed out may still take effect as long as no minute passes. A late cancelTask is left out: that it may hit a run which
a person has created meanwhile is known and accepted.

How. `replica` runs coroutines from call to call, `transitions` works each step out once and remembers it by the numbers of
the parts that it depends on, `space` composes states, `search` walks, `configs` says what is let loose.
"""
