"""Services that only say what they would do, beside those that do it: `--dry-run`.

Promises: nothing is changed anywhere. The engine is the real one, with the real settings and the real answers of both sides,
but all that it would write goes into rows in this process's memory, and every call with an effect is noted instead of made:
once, as one line of the log. The database refuses writes on its connections. Pulse is not listened to: a queue of its own
would be a change, and the messages of the real one are not ours to take; the changes that the real services write are read
instead, and tell which runs to look at.

After each noted call it is watched for a moment whether the real services do it: their claim, request or report answers for
ours, and the play goes on with it. Where they do not, the run is held back and looked at again later, as if the call had
failed; so a version or a setting that decides otherwise shows it by what it notes. What a side would have answered to a call
that nobody makes stays unknown: that Buildbot refuses a builder, say.

Does not know: which services there are. Whoever assembles them puts these ports in place of the real ones.
"""
