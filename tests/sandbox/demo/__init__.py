"""The demo: the first thing a newcomer runs. Real servers, real services, real work, on this machine alone.

It starts everything on free ports of 127.0.0.1, submits one graph of tasks, shows it live, and says at the end whether
every task ended as it should. The builders clone this very repository, build its wheel, run a part of its tests and
package the result; beside them each thing that can go wrong goes wrong once.
"""
