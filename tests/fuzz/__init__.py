"""Fuzz: whatever comes in from outside is made worse and worse, and the bridge must keep its word all the same.

Who may be hostile, or just broken: authors of tasks (payloads), whoever can publish to an exchange (Pulse), what stands
between the bridge and its neighbours and answers in their place (proxies, caches, other versions), and anybody who reaches
the master's web port. Promises checked here: a border gives a value of the core or one of its named faults, never another
exception; an answer is never believed for another key than the one that was asked for; what was believed can be decided on
and stored; a request to the plugin without the token has no effect, none brings a traceback, and the master stays alive.

The examples are the same on every run. `BRIDGE_FUZZ=20000` makes that many per test, other ones each time; what fails is shown
as the smallest example that does, and belongs into a named test beside the code it broke.
"""
