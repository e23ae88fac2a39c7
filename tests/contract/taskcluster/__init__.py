"""The queue double against what was recorded from a real queue.

`recordings/` holds requests, answers and Pulse messages of Taskcluster 106, one story a file, and the table of states
and calls; `replay` sends a story to the double on a virtual clock, `likeness` says whether two bodies are alike.
"""
