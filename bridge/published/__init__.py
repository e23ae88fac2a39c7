"""What the bridge publishes with a task about its build: facts, provenance, and text without secrets.

Promises: documents are JSON of a stated version, whose schemas are files beside this one; a field never changes its meaning
within a version. The same build gives the same bytes, so that a repeat after a crash is no other document. All text that
came from Buildbot passes the redaction. Nothing here calls anybody.

`public/buildbot/build.json` (build.v1.schema.json) says what ran, where, when, with which results, and how the build's
result became the run's resolution.

`public/buildbot/provenance.json` (provenance.v1.schema.json) says what the bridge saw: which definition it was shown, whom
it asked to build, and the hashes of what it attached. With a key, `provenance.json.sig` beside it is its Ed25519 signature,
64 bytes. That is weaker than Taskcluster's chain of trust, and never goes by its name. There the worker signs for what it
ran; the bridge never sees the worker, believes what Buildbot's master tells it, and signs only that it was told so. It
proves that the artifacts are those that this bridge attached, and not that the build was honest.

Does not know: where text and hashes come from, when all of this is attached, the other rooms. It is made to fit what the
engine asks of a `Published`.
"""
