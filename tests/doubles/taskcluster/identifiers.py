"""Identifiers the queue makes up: slugs and incident ids."""

import re
import uuid

import slugid

SLUG = re.compile(r"[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]")


def new_slug() -> str:
    """Make a slug: 22 characters of URL-safe base64 of a v4 UUID."""
    return str(slugid.nice())


def new_incident() -> str:
    """Make the id by which the operators of a deployment would find an internal error."""
    return str(uuid.uuid4())
