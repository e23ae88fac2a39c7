"""Taskcluster as the bridge meets it: the queue's calls, its messages, and the payload of a bridged task.

Promises: the only room that imports the `taskcluster` client. Every call has a timeout, counts against the rate limit, goes
over one pooled session, and is narrowed to the scopes it needs. The permanent client claims, lists and reads; whatever
touches a run goes with that run's temporary credentials, which live in this process's memory only. Calls that may have
taken effect in spite of an error are never repeated here: their fault is raised, and the engine reads before it goes on.

What comes in is parsed once, into values that cannot be wrong; a message that cannot be read is a value that says so.

`author` is apart from all that: the client of a person who makes tasks (`bbb submit`), with that person's own credentials.

Does not know: rows, phases, Buildbot. Facts about the queue were measured on Taskcluster 106 with client 113.
"""
