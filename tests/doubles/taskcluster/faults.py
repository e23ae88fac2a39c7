"""Faults that a test switches on: which of the next calls go wrong, and how."""

import itertools
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.doubles.taskcluster.errors import STATUS

Kind = Literal["status", "html", "drop", "delay", "break", "stall"]
KINDS = ("status", "html", "drop", "delay", "break", "stall")
_CODES = {400: "InputError", 401: "AuthenticationFailed", 403: "InsufficientScopes", 404: "ResourceNotFound"}


@dataclass(slots=True)
class Fault:
    """One fault: the next `count` calls of `api` (of `task_id`, of `run_id`) are answered so.

    `effect` tells whether the call is carried out all the same; `seconds` hold the answer back. In an upload, "break" ends
    the connection after `bytes` of the body, and "stall" takes no more for `seconds` there.
    """

    number: int
    api: str
    kind: Kind
    task_id: str | None = None
    run_id: int | None = None
    count: int = 1
    effect: bool = False
    status: int = 500
    code: str | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    bytes: int = 0
    hits: int = 0

    def fits(self, api: str, task_id: str | None, run_id: int | None) -> bool:
        if self.count <= 0 or self.api not in ("*", api):
            return False
        return self.task_id in (None, task_id) and self.run_id in (None, run_id)

    @property
    def error_code(self) -> str:
        default = "RequestConflict" if self.status == 409 else "InternalServerError"
        return self.code or _CODES.get(self.status, default)

    def wire(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "api": self.api,
            "kind": self.kind,
            "taskId": self.task_id,
            "runId": self.run_id,
            "left": self.count,
            "hits": self.hits,
        }


@dataclass(slots=True)
class Faults:
    """All faults switched on, the oldest first."""

    switched_on: list[Fault] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def add(self, asked: dict[str, Any]) -> Fault:
        """Switch a fault on; a key that is not known is an error."""
        kind = asked.get("kind", "status")
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; there are {KINDS}")
        known = {
            "api": asked["api"],
            "kind": kind,
            "task_id": asked.get("taskId"),
            "run_id": asked.get("runId"),
            "count": asked.get("count", 1),
            "effect": asked.get("effect", kind in ("delay", "stall")),
            "status": asked.get("status", 502 if kind == "html" else 500),
            "code": asked.get("code"),
            "retry_after": asked.get("retryAfter"),
            "seconds": asked.get("seconds", 0.0),
            "bytes": asked.get("bytes", 0),
        }
        unknown = asked.keys() - _KEYS
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}; there are {sorted(_KEYS)}")
        fault = Fault(next(self._numbers), **known)
        if fault.error_code not in STATUS:
            raise ValueError(f"unknown code {fault.error_code!r}; there are {sorted(STATUS)}")
        self.switched_on.append(fault)
        return fault

    def take(self, api: str, task_id: str | None, run_id: int | None) -> Fault | None:
        """Answer the fault that this call meets, and count it down."""
        for fault in self.switched_on:
            if fault.fits(api, task_id, run_id):
                fault.count -= 1
                fault.hits += 1
                return fault
        return None

    def clear(self) -> None:
        self.switched_on.clear()


_KEYS = frozenset({"api", "kind", "taskId", "runId", "count", "effect", "status", "code", "retryAfter", "seconds", "bytes"})
