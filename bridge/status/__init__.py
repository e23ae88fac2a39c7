"""What people and programs ask about runs, answered: the room behind the status API, its page, and the commands that read.

Promises: reading only. What is asked is checked in full before anything is read, and refused in words that name what can be
asked. Whatever is asked, a page takes a bounded look at the rows and says where the next one begins; pages are stable while
runs come and go. The sides are read for a single task, run or group only, within a limit of time, and one that is away is
an error in words beside the rest of the answer. No payload, no property, no credential is in an answer.

A search finds runs by what rows hold, and asks Buildbot for the numbers of builds, of a bounded number of runs. Whether the
bridge is healthy is judged by one pure function over what others answer, too.

Answers hold moments and no ages, so that an answer is the same until something has changed.

Does not know: HTTP, SQL, the other sides' clients. It says by Protocols what it needs of them.
"""
