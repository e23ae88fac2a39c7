"""From builders that exist to a kind file of a task graph: the beginning of a migration, builder by builder.

What it is for
    `bbb import-builders` reads which builders a Buildbot opens to the bridge, and writes a kind for them that taskgraph
    loads as it is. People go on from there by hand.

What it promises
    It calls nobody. Equal builders give equal text. A builder that no task can name is told of with the reason, and never
    written; two builders never share a label, which taskgraph would pass over in silence.

What it does not know
    taskgraph and Buildbot. What a builder builds, and which properties it wants.
"""
