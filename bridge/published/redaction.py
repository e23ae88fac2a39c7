"""What may not be published: masked in text, whole lines at a time and many of them at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Final
from urllib.parse import quote

from bridge.published.assignments import Assignments

MASK: Final = "[secret]"
SHORTEST: Final = 6
"""Characters. What is shorter occurs by chance, and would take half of the log with it."""
MOST: Final = 1000
"""Lines of a build's secrets that are masked one by one."""
Properties = Mapping[str, tuple[object, str]]
"""A build's properties: name to value and source."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Masks secrets in text.

    `secrets` gives the bridge's own as they are now. `names` are shell-like patterns (`*`, `?`, `[…]`) of names whose values
    are secrets: of properties, and of variables as text shows them. `patterns` are regular expressions: what they match, or
    their first group if they have one, is masked.

    Each line is judged by itself, so that how many come together makes no difference; of a secret with several lines each
    line is masked. The time is linear in the length of the text, unless a configured expression is of the kind that is not.
    """

    secrets: Callable[[], Iterable[str]]
    names: Sequence[str] = ()
    patterns: Sequence[str] = ()
    _assignments: Assignments = field(init=False)
    _patterns: tuple[re.Pattern[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_assignments", Assignments(tuple(self.names), MASK))
        object.__setattr__(self, "_patterns", tuple(map(re.compile, self.patterns)))

    def of_build(self, properties: Properties) -> Callable[[str], str]:
        """What masks, in text about a build with these properties, the values of those that are secret as well.

        Where they have more than `MOST` lines together, all text is masked: each line is looked for in each piece of a log,
        and one build must not take the time of all others.
        """
        known = frozenset(self._values(properties))
        lines = {line for value in known for line in value.split("\n") if len(line) >= SHORTEST}
        return _nothing_shown if len(lines) > MOST else partial(self.text, known=known)

    def text(self, text: str, known: frozenset[str] = frozenset()) -> str:
        """The text without secrets; `known` are more of them."""
        for form in _sorted_forms(frozenset(self.secrets()) | known):
            if form in text:
                text = text.replace(form, MASK)
        text = self._assignments.masked(text)
        for pattern in self._patterns:
            text = "\n".join(map(partial(pattern.sub, _masked), text.split("\n")))
        return text

    def _values(self, properties: Properties) -> Iterator[str]:
        for name, (value, _) in properties.items():
            yield from self._secrets_in(value, secret=self._named(name))

    def _secrets_in(self, value: object, *, secret: bool) -> Iterator[str]:
        match value:
            case dict():
                for name, item in value.items():
                    yield from self._secrets_in(item, secret=secret or self._named(str(name)))
            case list():
                for item in value:
                    yield from self._secrets_in(item, secret=secret)
            case str() if secret:
                yield value
            case _:
                return

    def _named(self, name: str) -> bool:
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.names)


def _nothing_shown(text: str) -> str:
    return "\n".join(MASK if line else "" for line in text.split("\n"))


def _masked(found: re.Match[str]) -> str:
    if not found[0]:
        return ""
    if found.re.groups == 0 or found[1] is None:
        return MASK
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:start] + MASK * (end > start) + found[0][end:]


@lru_cache(maxsize=64)
def _sorted_forms(secrets: frozenset[str]) -> tuple[str, ...]:
    """All forms, the longest first, so that a secret within another one leaves nothing of it."""
    return tuple(sorted({form for secret in secrets for form in _forms(secret)}, key=lambda form: (-len(form), form)))


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in lines: as it is, as Python or JSON quote it, in an address; of several lines each alone."""
    for text in {line.strip() for line in secret.split("\n")}:
        if len(text) >= SHORTEST:
            quoted = {text, repr(text)[1:-1], quote(text, safe="", errors="surrogatepass"), json.dumps(text)[1:-1]}
            yield from quoted | {json.dumps(text, ensure_ascii=False)[1:-1]}
