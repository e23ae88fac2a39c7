"""The room that knows Buildbot: the calls to the bridge's plugin in a master, and how to follow what happens there.

`client.Buildbot` makes single calls and gives values of the core; `watch.watch` turns the long-poll into a stream of
"look at these requests again"; `build_reader.BuildReader` reads what a build shows (steps, logs), and the files that it
gave away. What the plugin answers is parsed strictly in `messages` and `record_messages`.

It promises that an answer which is not surely the plugin's is no answer: HTML, half a JSON, another version's shape, a
404 from a proxy or a redirect all become `Unavailable`, on which nothing may be stopped or resolved. Every call has a
timeout, or for a body of any size a limit on silence; a body that breaks off is a fault and never a short one.

It does not know Taskcluster, rows, phases, or what anybody does with an answer.
"""
