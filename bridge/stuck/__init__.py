"""Which runs are stuck, why, and what to do: one pure function over a row, and a table of causes.

Promises: the same row gives the same findings whoever asks: the status API, its page, `bbb stuck`. A cause has a stable
name, says what is wrong and how to mend it, and never asks for what could harm a run. A run that waits as it was meant to
(left alone by policy, in the queue of a busy builder for less than an hour) is not stuck.

Does not know: where rows come from, what time it is, who shows the findings.
"""

from bridge.stuck.causes import CAUSES, Cause
from bridge.stuck.diagnosis import Circumstances, Finding, findings

__all__ = ["CAUSES", "Cause", "Circumstances", "Finding", "findings"]
