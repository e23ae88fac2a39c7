"""The reflector: the service on a timer that pays what is due and repairs whatever a listener missed.

With every hint of both sides lost, its sweeps alone bring each run to its right end, a sweep later.
"""
