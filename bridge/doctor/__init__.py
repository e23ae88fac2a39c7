"""The doctor: looks at everything that the bridge needs, and says in plain words what is wrong and how to mend it.

Promises: it changes nothing anywhere (a queue that it declares on the broker is its own, exclusive, and gone with its
connection; its database connections only read). Every question has a limit. One side that does not answer keeps no other
from being looked at. No secret is in what it says.

Does not know: runs, phases. Each module here asks one side and gives `Finding`s; `examination` asks all at once.
"""
