"""A double of Taskcluster's queue, with the bits of the auth, object and index services that workers and decision tasks meet.

What it is for
    Tests of the bridge, its demo and its fault drills need a queue that behaves like the real one: the same answers,
    states, credentials and Pulse messages, and the same oddities. Behaviour follows recordings of Taskcluster 106
    (tests/contract/taskcluster/recordings); the contract tests there hold the double to them. The index service is not
    in the recordings: it follows Taskcluster's source (`index` says where it is odd), and test_index holds it to that.

What it promises
    The rules are a pure ledger (`ledger`, and one file for each subject: `definition`, `claims`, `resolution`,
    `scheduling`, `groups`, `artifacts`, `lists`, `workers`, `resolvers`, `index`): time is an argument, messages go to an
    outbox. Tasks are indexed by their routes `index.<path>` when their task-completed is published. `api` answers a request at a given time without sockets, `site` is a whole deployment of that kind, and
    `server` puts aiohttp, a real RabbitMQ, the real clock, faults and a journal around it; `transfer` keeps large uploads
    on disk, and one that breaks off nowhere. Hawk signatures, certificates and authorizedScopes are checked for real: the
    unmodified `taskcluster` client works against it.

What it does not know
    Persistence, TLS, the worker manager, hooks, expiry of old tasks and index entries, several queue processes at once,
    signed addresses of the queue's own (the index service gives them for private artifacts). Parallel calls are
    served one after the other: the 409 and 500 that the real queue gives to some of them are switched on as faults.

Run it
    python -m tests.doubles.taskcluster --port 0 --amqp amqp://… --config FILE [--host H] [--root-url URL]
prints one line `{"rootUrl": "http://127.0.0.1:…"}` when it serves and is connected to the broker. In the test's own
event loop: `async with server.serving(settings.Settings.of({...}), amqp_url) as double:`, then `double.root_url`.

Configuration, one JSON object, all keys optional
    {"clients": {"<clientId>": {"accessToken": "…", "scopes": ["…"]}},
     "roles": {"<roleId>": ["<scope>"]},            `anonymous` has the usual reading scopes unless given here
     "periods": {"claimSeconds": 1200,              takenUntil after claim and reclaim
                 "deadlineDelaySeconds": 60,        from a deadline to its resolution
                 "pollSeconds": 5,                  of the claim, deadline and dependency resolvers
                 "publishSeconds": 30,              how long each publish is tried while the broker is away
                 "claimWorkSeconds": 20, "claimWorkPollSeconds": 1}}

For people: `/` lists the newest tasks with runs and artifacts, `/tasks/<taskId>` shows one in full.

Switches and windows, under /control/, from the loopback only, without credentials. Times are in seconds.
    GET    counters                 {calls: {api: n}, refused: {api: n}, messages: {exchange: n}, lostMessages}
    GET    counters/<taskId>        {calls: {api: n}} of one task
    POST   counters/reset
    GET    journal?since=N&limit=&api=&taskId=
                                    {entries: [{n, time, unix, api, client, taskId, runId, status, done, seconds, path,
                                    fault?, workerGroup?, workerId?, reason?, storageType?}], next}: `status` is what
                                    the client saw (null: nothing), `done` what truly happened (null: nothing)
    GET    history?since=N&limit=&taskId=
                                    {transitions: [{time, unix, taskId, runId, state, reason, workerGroup, workerId}],
                                    next}: every change of a run, whoever was told of it
    GET    messages?taskId=         {messages: [{time, exchange, routingKey, cc, body}]}, the newest 20000
    GET    tasks?state=             {tasks: [{status, task, artifacts}]};  GET tasks/<taskId> one of them
    POST   faults                   {api, kind, taskId?, runId?, count = 1, effect?, status?, code?, retryAfter?,
                                    seconds?, bytes?}
                                    the next `count` calls of `api` ("queue.claimTask", "s3.put", "*") go wrong:
                                    kind "status": JSON error of `status` (500); "html": a proxy's page (502);
                                    "drop": the connection ends without an answer; "delay": the true answer, late.
                                    of uploads ("s3.put") also "break": the connection ends after `bytes` of the body;
                                    "stall": no more is taken for `seconds` after `bytes` of the body.
                                    `effect` (false; true for delay, stall): carry the call out all the same. `seconds`
                                    hold the answer back. `retryAfter`: header, for 429
    GET    faults                   what is switched on, with `left` and `hits`;  DELETE faults clears all
    POST   messages/lose            {exchange: "task-pending" | "*", seconds}: messages are lost for good until then
    POST   messages/republish       {taskId}: send all its messages once more
    POST   broker                   {up: false}: the queue cannot reach its broker: calls that publish once answer 500
                                    after publishSeconds with their effect in place, others a late 200
    POST   store                    {down: true}: the artifact store answers 503; {bytesPerSecond: N}: it takes uploads
                                    no faster, null for as fast as they come
    POST   quarantine               {workerGroup, workerId, quarantined = true}
    GET    periods;  POST periods   read them; change some, with the keys of the configuration
    POST   clock                    {advanceSeconds}: move the queue's clock forward, and let its resolvers run
    POST   poll                     let the resolvers run now
    PUT    clients;  PUT roles      add or replace some, in the form of the configuration
"""
