"""Judges a history: what the ledgers of both sides saw, against the invariants. Shares no code with the bridge.

What it is for
    One judge for all proofs: integration and acceptance tests, the simulation, the chaos of real processes. Each of them
    gathers an `Evidence`; what it must hold is the same.

What it promises
    It believes nothing that the bridge says of itself. `judge` names what must never happen, `rest` what is not allowed
    to be left when all is over or took too long. Each finding starts with the letter of its invariant and names the run.

The letters
    S1  one request per run; two open ones of a task only while the older run is resolved
    S2  a request only for a run that was the last one and pending when its submit was decided
    S3  a claim only of a run whose request has a build, or in the bridge's own name; one identity per run
    S4  the verdict is what Buildbot says of the request that the run holds, and it is told once, on one run only
    S5  cancelTask only directly after a status read that shows the run last and unresolved; rerunTask never
    S7  no request is cancelled that an unresolved run holds or may adopt, unless a person did it
    S9  artifacts before the report
    S12 no more than fifty runs of a task
    L1… a run that waits, a result that is not told, a build that runs on for nobody

What it does not know
    Rows, phases, leases: how the bridge comes to do the right thing is its own business.
"""
