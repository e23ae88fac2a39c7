"""One OpenTelemetry trace for each run: what was heard of it, what it owed, and the calls that paid it.

Promises: every process makes the same trace id, and the same id of the span that stands for the whole run, from the run's
name alone; nobody has to pass anything on, and whether a run is sampled is agreed likewise. Spans are kept in memory, sent
by a thread of their own, and dropped where nobody takes them: the bridge never waits for them. Buildbot gets the W3C header
`traceparent` with each call, and its plugin keeps that of a submit as the build's property of the same name, so that steps
can join.

Optional: `bridge.traces.tracer` alone imports OpenTelemetry (extra `traces`), and is loaded only where the settings want it.

Does not know: the engine's parts; it fits `bridge.engine.tracing` by shape.
"""
