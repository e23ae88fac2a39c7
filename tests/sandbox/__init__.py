"""Private, throw-away servers for the tests and for the demo.

`PrivatePostgres` and `PrivateRabbit` start the machine's own server programs in a directory of the caller's, on free
ports of 127.0.0.1 only, and can be stopped, killed, frozen and started again on the same port and data. `backend` chooses
between servers named in the environment, these private ones, and containers.

Promises: the system's own databases and brokers are never touched; nothing runs as root; a server ends with the process
that started it, however that ends; a clash of ports is survived.

Does not know: pytest (the demo starts the same servers), the bridge.
"""
