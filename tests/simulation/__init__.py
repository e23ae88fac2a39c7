"""The whole bridge on virtual time: a deterministic simulation, judged from outside.

What it is for
    Faults that need luck to be met in real life are met here by the thousand: a process that dies between an effect and
    its record, a reply that is lost, a lease that ends while its owner sleeps, a database that forgets its last words.

What it promises
    The bridge is the production code: engine, crew, payer, guardian, sweeps, followers, the loops of `bridge.keeping`,
    the shells' handlers. Only the outside is played: time, network, PostgreSQL, Pulse, the queue (the rules are those of
    the double that the contract tests check) and Buildbot. One seed gives one history, bit for bit, on every machine.
    A schedule has three parts: faults, with what must never happen watched at every effect; then all is healed, and
    what must happen has bounds; in the end nothing may be left over. `tests.history` judges the whole a second time.

What it does not know
    HTTP, SQL, AMQP and their libraries: the rooms that speak them have tests against real servers. A random test keeps
    the rows in memory equal to those of the real store on PostgreSQL.
"""
