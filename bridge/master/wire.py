"""What the bridge may say, as values: the bodies and queries of the calls, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bridge.master.fields import INT32, Fields, check_integer, check_text
from bridge.master.refusal import BadRequest, NotFound

MAX_BODY: Final = 1 << 20
"""Bytes; the largest Taskcluster payload is smaller."""
MAX_IDS: Final = 10_000
MAX_IDS_WITH_PROPERTIES: Final = 1_000
MAX_PAGE: Final = 1_000
MAX_WAIT: Final = 55
"""Seconds; reverse proxies commonly cut a silent connection after 60."""

# Leading zeros are refused: "0" and "00" would be two keys, and so two builds, of one run.
_RUN: Final = re.compile(r"[A-Za-z0-9_-]{22}/(?:0|[1-9][0-9]{0,2})", re.ASCII)
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_NO_CODEBASE: Final[dict[str, str | None]] = {
    "codebase": "",
    "repository": "",
    "branch": None,
    "revision": None,
    "project": "",
}
# Buildbot's default collapsing compares only properties of exactly this source, so these keep two runs apart.
_KEY_SOURCE: Final = "Scheduler"
_SOURCE: Final = "Taskcluster"

Properties = dict[str, tuple[object, str]]


@dataclass(frozen=True, slots=True)
class RunKey:
    """The name under which a run's request is stored, for good, as the external id of its buildset."""

    task_id: str
    run_id: int

    def __str__(self) -> str:
        return f"{self.task_id}/{self.run_id}"


@dataclass(frozen=True, slots=True)
class Submission:
    """A wish for one build request."""

    builder: str
    properties: Properties
    sourcestamps: tuple[dict[str, str | None], ...]
    priority: int
    reason: str
    not_before: int
    """Epoch seconds; no submission of this run can be older. It only makes the look-up fast."""


@dataclass(frozen=True, slots=True)
class StatesQuery:
    request_ids: tuple[int, ...]
    properties: bool


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    epoch: str | None
    after: int
    wait: int
    """Seconds to hold an empty answer back."""


@dataclass(frozen=True, slots=True)
class PageQuery:
    completed_since: int | None
    """Epoch seconds; None asks for the open requests."""
    after: int
    limit: int


def is_run_key(external_id: str | None) -> bool:
    return external_id is not None and _RUN.fullmatch(external_id) is not None


def run_key(task_id: str, run_id: str) -> RunKey:
    if not is_run_key(f"{task_id}/{run_id}"):
        raise BadRequest("a run is named <taskId>/<runId>: 22 characters of A-Z a-z 0-9 _ -, then 0 to 999")
    return RunKey(task_id, int(run_id))


def row_id(text: str, what: str) -> int:
    """Read a number of a database row from a path; one that no row can have is simply not found."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= INT32):
        raise NotFound(f"no {what} has this number")
    return int(text)


def traceparent(header: bytes | None) -> str | None:
    """The W3C header of that name, where it is one of its first version; anything else is no trace, and no error."""
    text = (header or b"").decode("ascii", "replace").strip()
    return text if _TRACEPARENT.fullmatch(text) else None


def submission(key: RunKey, body: object, now: float, trace: str | None = None) -> Submission:
    """Read a wish; its `trace` becomes a property, unless the task has one of that name, so that steps can join it."""
    fields = Fields(body, "the body")
    joined: Properties = {} if trace is None else {"traceparent": (trace, _SOURCE)}
    wish = Submission(
        builder=fields.text("builder", 10_000),
        properties=joined | _properties(key, fields.take("properties", {})),
        sourcestamps=_sourcestamps(fields.items("sourcestamps", [])),
        priority=fields.integer("priority", 0, low=-INT32),
        reason=fields.text("reason", 256, f"Taskcluster task {key.task_id}, run {key.run_id}"),
        not_before=fields.integer("not_before", 0),
    )
    fields.done()
    if wish.not_before > now:
        raise BadRequest("'not_before' lies in the future: an earlier submission of this run would be overlooked")
    return wish


def _properties(key: RunKey, value: object) -> Properties:
    fields = value if isinstance(value, dict) else None
    if fields is None:
        raise BadRequest("'properties' in the body must be a JSON object")
    given: Properties = {check_text(name, "a property's name", 256): (fields[name], _SOURCE) for name in fields}
    if "" in given:
        raise BadRequest("a property's name is empty")
    if "taskcluster_group_id" in given:
        given["taskcluster_group_id"] = (given["taskcluster_group_id"][0], _KEY_SOURCE)
    # Last, so that nothing in the body can pose as another run.
    return given | {
        "taskcluster_task_id": (key.task_id, _KEY_SOURCE),
        "taskcluster_run_id": (key.run_id, _KEY_SOURCE),
    }


def _sourcestamps(values: list[object]) -> tuple[dict[str, str | None], ...]:
    stamps = tuple(_sourcestamp(value) for value in values) or (dict(_NO_CODEBASE),)
    if len(stamps) > 100:
        raise BadRequest("'sourcestamps' has more than 100 entries")
    if len({stamp["codebase"] for stamp in stamps}) != len(stamps):
        raise BadRequest("'sourcestamps' names a codebase twice")
    return stamps


def _sourcestamp(value: object) -> dict[str, str | None]:
    fields = Fields(value, "a sourcestamp")
    stamp = {
        "codebase": fields.text("codebase", 256, ""),
        "repository": fields.text("repository", 512, ""),
        "branch": fields.optional_text("branch", 256),
        "revision": fields.optional_text("revision", 256),
        "project": fields.text("project", 512, ""),
    }
    fields.done()
    return stamp


def reason(body: object) -> str:
    fields = Fields(body, "the body")
    text = fields.text("reason", 1_000, "no reason given")
    fields.done()
    return text


def priority(body: object) -> int:
    fields = Fields(body, "the body")
    value = check_integer(fields.take("priority"), "'priority' in the body", -INT32, INT32)
    fields.done()
    return value


def states_query(body: object) -> StatesQuery:
    fields = Fields(body, "the body")
    ids, properties = fields.items("buildrequestids"), fields.flag("properties")
    fields.done()
    limit = MAX_IDS_WITH_PROPERTIES if properties else MAX_IDS
    if len(ids) > limit:
        raise BadRequest(f"'buildrequestids' has more than {limit} entries")
    # An id that no row can have is answered as missing, not refused: the caller may have it from a damaged row.
    checked = (check_integer(each, "a buildrequestid", -(2**63), 2**63 - 1) for each in ids)
    return StatesQuery(tuple(dict.fromkeys(checked)), properties)


def changes_query(query: dict[str, str]) -> ChangesQuery:
    _only(query, "epoch", "after", "wait")
    return ChangesQuery(query.get("epoch"), _number(query, "after", 0), min(_number(query, "wait", 25), MAX_WAIT))


def page_query(query: dict[str, str]) -> PageQuery:
    _only(query, "open", "completed_since", "after", "limit")
    if ("open" in query) == ("completed_since" in query):
        raise BadRequest("give either open=1 or completed_since=<epoch seconds>")
    if query.get("open", "1") != "1":
        raise BadRequest("'open' can only be 1")
    since = _number(query, "completed_since", 0) if "completed_since" in query else None
    return PageQuery(since, _number(query, "after", 0), max(1, min(_number(query, "limit", MAX_PAGE), MAX_PAGE)))


def first_line(query: dict[str, str]) -> int:
    _only(query, "first")
    return _number(query, "first", 0)


def not_before(query: dict[str, str]) -> int:
    _only(query, "not_before")
    return _number(query, "not_before", 0)


def _only(query: dict[str, str], *names: str) -> None:
    unknown = sorted(set(query) - set(names))
    if unknown:
        raise BadRequest(f"the query has parameters that are not known here: {', '.join(map(repr, unknown))[:200]}")


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRequest(f"{name!r} in the query must be a whole number")
    return min(int(text), INT32)
