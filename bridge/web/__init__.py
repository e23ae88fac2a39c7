"""What a service shows over HTTP: whether it lives and works, what it measures, who it is.

Promises: no secrets, no payloads, and reading only, unless the settings have a token of its own for who may steer; every
question to the outside has a limit. It listens on the loopback unless the settings say otherwise. Who reads shows a token,
comes through a trusted proxy, or has signed in with a browser; nothing is kept of sessions, so any process can end and
another go on.

Does not know: any concrete room. Questions to the database or to the other sides come as callables.
"""
