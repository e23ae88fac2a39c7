"""Why an act is not done; the texts are for operators."""

from __future__ import annotations


class SteeringError(Exception):
    """The act cannot be done; nothing was changed."""


class AbsentError(SteeringError):
    """What was named is not there."""


class ImpossibleError(SteeringError):
    """What was named is not in a state in which this can be done."""


class ForbiddenError(SteeringError):
    """Another side does not let the bridge do it."""


class OvertakenError(SteeringError):
    """Somebody else acted on the same thing since it was looked at."""
