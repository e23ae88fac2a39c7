"""Sends a recorded story to the double on a virtual clock, and collects what is unlike the recording."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import mohawk
import taskcluster.utils

from tests.contract.taskcluster.likeness import Names
from tests.doubles.taskcluster.api import Answer, Match, Request
from tests.doubles.taskcluster.credentials import Client
from tests.doubles.taskcluster.instants import SECOND, parse
from tests.doubles.taskcluster.model import Message
from tests.doubles.taskcluster.site import Site

RECORDINGS = Path(__file__).parent / "recordings"
START = parse("2026-03-02T10:00:00.000Z")
ROOT = "https://taskcluster.example.com"
ADMIN = "static/taskcluster/root"
AFTERMATH = 100 * SECOND  # long enough for the deadline resolver
NO_ORDER = ("queue.statuses", "queue.tasks", "queue.listTaskGroup", "queue.cancelTaskGroup", "queue.changeTaskGroupPriority")
Call = dict[str, Any]


def load(name: str) -> dict[str, Any]:
    return json.loads((RECORDINGS / f"{name}.json").read_text())


def sign(
    credentials: dict[str, str], scopes: list[str] | None, method: str, url: str, content: tuple[bytes, str], now: int
) -> str:
    """Sign a request as Taskcluster's client does, at a given time."""
    ext: dict[str, Any] = {}
    if "certificate" in credentials:
        ext["certificate"] = json.loads(credentials["certificate"])
    if scopes is not None:
        ext["authorizedScopes"] = scopes
    packed = taskcluster.utils.makeB64UrlSafe(taskcluster.utils.encodeStringForB64Header(json.dumps(ext)))
    key = {"id": credentials["clientId"], "key": credentials["accessToken"], "algorithm": "sha256"}
    body, content_type = content
    sender = mohawk.Sender(
        key, url, method, content=body, content_type=content_type, ext=packed.decode(), _timestamp=now // SECOND
    )
    return sender.request_header


@dataclass(slots=True)
class Waiting:
    """A call that is asked again until it has an answer."""

    call: Call
    match: Match
    request: Request
    answer: Answer
    due: int


@dataclass(slots=True)
class Replay:
    """One story on its way through a double of its own."""

    story: dict[str, Any]
    names: Names = field(init=False)
    site: Site = field(init=False)
    now: int = START
    answers: dict[int, Answer] = field(default_factory=dict)
    elapsed: dict[int, int] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    left_out: frozenset[int] = frozenset()
    loose: frozenset[int] = frozenset()  # calls whose answers other rules judge
    credentials: dict[int, dict[str, str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = Names.of(self.story, START, ROOT, ADMIN)
        clients = {
            self.names.fill(client["clientId"]): Client(f"token of {name}", tuple(client["scopes"]))
            for name, client in self.story["clients"].items()
        }
        self.site = Site(ROOT, clients, self.story.get("roles", {}), now=START)

    # --- time

    def advance(self, to: int) -> None:
        """Move the clock, stopping for every poll of the queue and of a waiting call."""
        poll = self.site.ledger.periods.poll
        while self.now < to:
            moments = [to, (self.now // poll + 1) * poll, *(item.due for item in self.waiting)]
            self.now = max(self.now, min(moments))
            if self.now % poll == 0:
                self.site.poll(self.now)
            self._ask_again()

    def _ask_again(self) -> None:
        due = [item for item in self.waiting if item.due <= self.now]
        for item in due:
            item.answer = self.site.api.resume(item.match, item.request, item.answer, self.now)
            item.due = self.now + item.answer.pause
            if item.answer.again is None:
                self.waiting.remove(item)
                self._settle(item.call, item.answer)

    # --- calls

    def run(self) -> None:
        """Send all calls of the story."""
        for call in self.story["calls"]:
            if not call.get("parallel"):
                while self.waiting:
                    self.advance(min(item.due for item in self.waiting))
            self.advance(START + round(call["at"] * SECOND))
            if call["n"] not in self.left_out:
                self.send(call)
        self.advance(self.now + AFTERMATH)

    def send(self, call: Call) -> None:
        ledger = self.site.ledger
        ledger.periods.claim = call.get("claimTimeout", 1200) * SECOND
        if call.get("broker") == "down":
            ledger.broker_up = False
        elif not ledger.broker_up:
            ledger.broker_returns()
        request = self.request(call)
        answer = self.site.handle(request, self.now)
        match = self.site.match(request)
        if answer.again is not None and match is not None:
            self.waiting.append(Waiting(call, match, request, answer, self.now + answer.pause))
        else:
            self._settle(call, answer)

    def _settle(self, call: Call, answer: Answer) -> None:
        self.answers[call["n"]] = answer
        self.elapsed[call["n"]] = self.now - START - round(call["at"] * SECOND) + answer.late
        for credentials in _credentials_in(answer):
            self.credentials[call["n"]] = credentials
        if call["n"] not in self.loose:
            self.differences += self.unlike(call)  # at once: later requests send back what this answer holds

    def request(self, call: Call) -> Request:
        recorded = call["request"]
        url = self.names.fill(recorded["url"]) if "url" in recorded else ROOT + self.names.fill(recorded["path"])
        if "query" in recorded:
            url += "?" + urlencode(self.names.fill(recorded["query"]))
        body, content_type = self._content(recorded)
        scopes = self.names.fill(call["authorizedScopes"]) if "authorizedScopes" in call else None
        who = self._credentials_of(call["as"])
        signed = (body, content_type or "")
        header = None if who is None else sign(who, scopes, recorded["method"], url, signed, self.now)
        parts = urlsplit(url)
        return Request(recorded["method"], parts.path, url, dict(parse_qsl(parts.query)), body, content_type, header)

    def _content(self, recorded: dict[str, Any]) -> tuple[bytes, str | None]:
        if "rawBody" in recorded:
            return recorded["rawBody"].encode(), recorded.get("contentType", "application/json")
        if "body" in recorded:
            return json.dumps(self.names.fill(recorded["body"])).encode(), "application/json"
        return b"", None

    def _credentials_of(self, who: str) -> dict[str, str] | None:
        clients = self.story["clients"]
        if who == "anonymous":
            return None
        if who.startswith("call:"):
            return self.credentials[int(who.removeprefix("call:"))]
        if who == "unknown-client":
            return {"clientId": "bridge-ref/nope", "accessToken": "none"}
        if who == "wrong-token":
            some = clients.get("bridge") or clients["minimal"]
            return {"clientId": some["clientId"], "accessToken": "wrong"}
        return {"clientId": self.names.fill(clients[who]["clientId"]), "accessToken": f"token of {who}"}

    # --- what is unlike the recording

    def unlike(self, call: Call) -> list[str]:
        """List in what the answer to one call differs."""
        recorded, answer = call["response"], self.answers[call["n"]]
        where = f"call {call['n']} ({call['api']}, {call.get('label', '')})"
        if recorded["status"] != answer.status:
            return [f"{where}: recorded status {recorded['status']}, got {answer.status} {answer.body}"]
        found = self._unlike_time(call) + self._unlike_headers(recorded.get("headers", {}), answer)
        found += self._unlike_error(recorded, answer) if answer.status >= 400 else self._unlike_body(call, answer)
        return [f"{where}: {text}" for text in found]

    def _unlike_time(self, call: Call) -> list[str]:
        took = self.elapsed[call["n"]]
        expected = round(call.get("seconds", 0) * SECOND)
        return [] if abs(took - expected) <= SECOND else [f"recorded {expected / SECOND} s, took {took / SECOND} s"]

    def _unlike_headers(self, recorded: dict[str, str], answer: Answer) -> list[str]:
        known = {name: value for name, value in recorded.items() if name != "content-type"}
        got = {name: answer.headers.get(name, "") for name in known}
        return self.names.differences(known, got, "headers")

    def _unlike_error(self, recorded: dict[str, Any], answer: Answer) -> list[str]:
        body = recorded["body"]
        if "code" not in body:
            return self.names.differences(body, answer.body)
        if body["code"] != answer.body["code"]:
            return [f"recorded {body['code']}, got {answer.body}"]
        if set(answer.body) != {"code", "message", "requestInfo"}:
            return [f"keys {sorted(answer.body)}"]
        if body["code"] != "InsufficientScopes":
            return []
        return self.names.differences(body["message"], answer.body["message"].split("\n\n---\n\n")[0], "message")

    def _unlike_body(self, call: Call, answer: Answer) -> list[str]:
        recorded = call["response"].get("body")
        if recorded is None:
            return [] if not answer.body else [f"recorded no body, got {answer.body!r}"]
        if call["api"] not in NO_ORDER:
            return self.names.differences(recorded, answer.body)
        filled = self._in_order(recorded, self.names.fill)
        return self.names.differences(filled, self._in_order(answer.body, str))

    def _in_order(self, body: dict[str, Any], fill: Any) -> dict[str, Any]:
        def rank(item: Any) -> str:
            named = item if isinstance(item, str) else item.get("taskId") or item["status"]["taskId"]
            return str(fill(named))

        return {key: sorted(part, key=rank) if isinstance(part, list) else part for key, part in body.items()}

    def unlike_messages(self) -> list[str]:
        """List in what the messages differ, per task and per group."""
        recorded = defaultdict(list)
        for message in self.story["messages"]:
            recorded[self._subject(message["exchange"], self.names.fill(message["routingKey"]))].append(message)
        sent = defaultdict(list)
        for message in self.site.ledger.outbox:
            sent[self._subject(message.exchange, message.routing_key)].append(message)
        return [
            text
            for subject in sorted(recorded.keys() | {key for key in sent if "group-resolved" not in key[0]})
            for text in self._unlike_sequence(subject, recorded[subject], sent[subject])
        ]

    def _subject(self, exchange: str, routing_key: str) -> tuple[str, str]:
        return (exchange if exchange.startswith("task-group") else "task", routing_key.split(".")[1])

    def _unlike_sequence(self, subject: tuple[str, str], recorded: list[Any], sent: list[Message]) -> list[str]:
        if subject[0] == "task-group-resolved":
            recorded, sent = recorded[-1:], sent[-1:]
        names = [message["exchange"] for message in recorded], [message.exchange for message in sent]
        if names[0] != names[1]:
            return [f"messages of {subject}: recorded {names[0]}, got {names[1]}"]
        return [
            f"message {message['exchange']} after call {message['after']}: {text}"
            for message, got in zip(recorded, sent, strict=True)
            for text in self._unlike_message(message, got)
        ]

    def _unlike_message(self, recorded: dict[str, Any], got: Message) -> list[str]:
        expected = {part: recorded[part] for part in ("routingKey", "cc", "body")}
        return self.names.differences(expected, {"routingKey": got.routing_key, "cc": list(got.cc), "body": got.body})


def _credentials_in(answer: Answer) -> list[dict[str, str]]:
    if not isinstance(answer.body, dict):
        return []
    holders = [answer.body, *answer.body.get("tasks", [])]
    return [holder["credentials"] for holder in holders if isinstance(holder, dict) and "credentials" in holder]
