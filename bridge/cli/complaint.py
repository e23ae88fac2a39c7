"""What a person did wrong, or should know: one message, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.core import faults
from bridge.definition import DefinitionError
from bridge.service import StartRefusedError
from bridge.settings import SettingsError
from bridge.steering.errors import SteeringError
from bridge.store.checkup import RefusedError
from bridge.store.migrate import MigrationError

_MENDABLE = (
    DefinitionError,
    SettingsError,
    StartRefusedError,  # as when the settings want traces and the package for them is missing
    SteeringError,
    RefusedError,
    MigrationError,
    faults.Fault,
)


class Complaint(Exception):  # noqa: N818  not a defect of the program
    """The command cannot do what was asked; the text says why."""

    status = 2
    """The command's exit status."""


class Interrupted(Complaint):
    """Ctrl-C; the text says what was done until then."""

    status = 130  # as of any command


@contextmanager
def complaints() -> Iterator[None]:
    """Turn what a person can mend into a message and exit status 2 or 130; defects keep their traceback."""
    try:
        yield
    except (Complaint, *_MENDABLE) as error:
        sys.stderr.write(f"bbb: {error}\n")
        sys.exit(error.status if isinstance(error, Complaint) else Complaint.status)
    except BrokenPipeError:  # whoever read our output has gone
        sys.stderr.close()
        sys.exit(0)
