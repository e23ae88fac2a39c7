"""What operators do: hold builders back, push a run, take it from a process, cancel a task, clear up unreadable messages.

Promises: each act wants who and why, can be tried without any change first, and is kept: its intent before it begins, what
it came to afterwards, so that an act which was cut off can be seen. Of two operators who act on the same thing at once the
first acts, and the other is told of that and changes nothing. No act is unsafe at any time: what a run owes is decided where
it always is.

Does not know: how it is asked. `bbb` and the status API carry requests here and tell people what came of them.
"""
