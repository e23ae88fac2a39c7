"""The README's promise to a newcomer, kept from zero: a bare Debian, a clone, and the two commands.

Promises: the tree has nothing but a minimal Debian, `git`, `python3` and certificates; the clone holds what is committed; the
commands are those of the README, read from it; each step is timed; what a command leaves behind, a process or anything in
/tmp, is an error. Nothing of the tree stays on the machine unless asked for.

It does not know what the commands do. It needs root's rights, for a tree can only be entered with them.
"""
