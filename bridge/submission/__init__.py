"""Tasks made by hand: from what a person wishes to task definitions, and from a task group to what is told about it.

What it is for
    `bbb submit` makes tasks for builders without a task graph, and `bbb follow` tells how they fare. What they decide is
    here, as values: definitions, the scopes that creating them takes, the events in a group, how it ended.

What it promises
    It calls nobody, and knows the time only as an argument. Equal wishes, ids and times give equal definitions, so a task
    can be created again without harm. What a person did wrong is a `DefinitionError` with a sentence for each mistake.

What it does not know
    Taskcluster's client, credentials, terminals. Whether a builder exists, and whether a pool admits it.
"""
