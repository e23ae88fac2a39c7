"""Says whether an answer is like a recorded one: same keys, lengths, strings and times, up to placeholders."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.taskcluster.identifiers import new_slug
from tests.doubles.taskcluster.instants import SECOND, offset, parse, unix, zulu

_PLACEHOLDER = re.compile(r"<(task:[\w-]+|time (?:Z|\+00:00) [+-][\d.]+|unix [+-][\d.]+|[a-zA-Z]+(?::\d+)?)>")
_PATTERNS = {
    "time Z": r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",
    "time +00:00": r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00)",
    "unix": r"(\d+(?:\.\d{1,3})?)",
    "uuid": r"([0-9a-f-]{36})",
}
SLACK = SECOND
RESOLVER_SLACK = 6 * SECOND  # a poll of 5 s and a moment


def _micros(seconds: str) -> int:
    return round(float(seconds) * SECOND)


@dataclass(slots=True)
class Names:
    """What the placeholders of one story stand for in this replay."""

    start: int
    root: str
    admin: str
    resolver_moments: tuple[int, ...] = ()  # offsets at which the recorded queue's own processes were at work
    tasks: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, story: dict[str, Any], start: int, root: str, admin: str) -> "Names":
        """Name the tasks of a story so that their ids sort like their letters: batches answer in the order of ids."""
        letters = sorted(set(re.findall(r"<(task:[\w-]+)>", str(story))))
        slugs = sorted(new_slug() for _ in letters)
        moments = tuple(_micros(message["at"]) for message in story["messages"] if "by" in message)
        return cls(start, root, admin, moments, dict(zip(letters, slugs, strict=True)))

    def fill(self, value: Any) -> Any:
        """Put values for the placeholders of a request."""
        match value:
            case str():
                return _PLACEHOLDER.sub(lambda found: self._value(found[1]), value)
            case dict():
                return {self.fill(key): self.fill(part) for key, part in value.items()}
            case list():
                return [self.fill(part) for part in value]
        return value

    def _value(self, name: str) -> str:
        match name.split(" "):
            case ["time", "Z", seconds]:
                return zulu(self.start + _micros(seconds))
            case ["time", "+00:00", seconds]:
                return offset(self.start + _micros(seconds))
            case ["unix", seconds]:
                return unix(self.start + _micros(seconds))
            case ["root"]:
                return self.root
            case ["admin"]:
                return self.admin
        return self.tasks[name] if name.startswith("task:") else self.seen.get(name, name)

    def differences(self, expected: Any, actual: Any, where: str = "body") -> list[str]:
        """List in what `actual` is unlike the recorded value."""
        match expected, actual:
            case dict(), dict():
                return self._of_objects(expected, actual, where)
            case list(), list() if len(expected) == len(actual):
                pairs = enumerate(zip(expected, actual, strict=True))
                return [text for at, (one, two) in pairs for text in self.differences(one, two, f"{where}[{at}]")]
            case str(), str():
                return self._of_texts(expected, actual, where)
        same = type(expected) is type(actual) and expected == actual
        return [] if same else [f"{where}: recorded {expected!r}, got {actual!r}"]

    def _of_objects(self, expected: dict[str, Any], actual: dict[str, Any], where: str) -> list[str]:
        wanted = {self.fill(key): value for key, value in expected.items()}
        if wanted.keys() != actual.keys():
            return [f"{where}: recorded keys {sorted(wanted)}, got {sorted(actual)}"]
        return [text for key in wanted for text in self.differences(wanted[key], actual[key], f"{where}.{key}")]

    def _of_texts(self, expected: str, actual: str, where: str) -> list[str]:
        names = _PLACEHOLDER.findall(expected)
        literals = [re.escape(part) for part in _PLACEHOLDER.split(expected)[::2]]
        pattern = "".join(a + b for a, b in zip(literals, [*map(self._pattern, names), ""], strict=True))
        found = re.fullmatch(pattern, actual, re.DOTALL)
        if not found:
            return [f"{where}: recorded {expected!r}, got {actual!r}"]
        return [
            text for name, value in zip(names, found.groups(), strict=True) for text in self._of_value(name, value, where)
        ]

    def _pattern(self, name: str) -> str:
        kind = " ".join(name.split(" ")[:-1]) or name
        if kind in _PATTERNS:
            return _PATTERNS[kind]
        if name.startswith("task:") or name in ("root", "admin"):
            return f"({re.escape(self._value(name))})"
        return "(.+)"

    def _of_value(self, name: str, value: str, where: str) -> list[str]:
        kind, _, seconds = name.rpartition(" ")
        if not kind:
            self.seen.setdefault(name, value)
            return []
        got = _micros(value) if kind == "unix" else parse(value)
        wanted = _micros(seconds)
        slack = RESOLVER_SLACK if any(abs(wanted - moment) < SLACK for moment in self.resolver_moments) else SLACK
        if abs(got - self.start - wanted) <= slack:
            return []
        return [f"{where}: recorded {name}, got {(got - self.start) / SECOND:+.3f}"]
