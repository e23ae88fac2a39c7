"""Values that stand beside their names in text: environments, options, headers, JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final

# Every repetition is bounded or possessive, and values are looked at only behind a secret's name: no text makes this slow.
# No part goes beyond a line.
_BLANKS: Final = r"[ \t]{0,8}+"
_QUOTED: Final = r"""[bru]{0,2}(?:"(?:[^"\\\n]|\\[^\n])*+"|'(?:[^'\\\n]|\\[^\n])*+')\S*+"""
_END: Final = r"\\{0,3}+[\"']"  # of a name in quotes; with backslashes in JSON within JSON
_VARIABLE: Final = re.compile(r"^[ \t]*+(?:(?:export|set|declare -x|setenv)[ \t]++)?([\w.-]{1,128}+)=", re.MULTILINE)
_OPTION: Final = re.compile(rf"(?<![\w.-])([\w.-]{{1,128}}+)(?:{_END})?{_BLANKS}(?:=>|:=|==?){_BLANKS}")
_FIELD: Final = re.compile(rf"(?<![\w-])([\w-]{{1,128}}+)(?:{_END}{_BLANKS}:{_BLANKS}|:[ \t]{{1,8}}+)")
_REST: Final = re.compile(r"[^\n]++")
_SHAPES: Final = (
    (_VARIABLE, _REST),  # a variable alone on its line, as Buildbot and `env` show them
    (_OPTION, re.compile(rf"{_QUOTED}|\S++")),
    (_FIELD, re.compile(rf"{_QUOTED}|[^\n]++")),  # in headers, YAML, JSON; `secret.c:12` and `test_token.py::test` are none
)
"""A name with what follows it, and its value."""
_LITERAL: Final = re.compile(r"[^*?\[\]]+")


@dataclass(frozen=True, slots=True)
class Assignments:
    """Masks by `mask` the values of what has a name of these shell-like patterns; small and capital letters are the same."""

    names: tuple[str, ...]
    mask: str
    _whole: re.Pattern[str] = field(init=False)
    _hints: tuple[bytes, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        whole = "|".join(translate(name.lower()) for name in self.names)
        object.__setattr__(self, "_whole", re.compile(whole or r"(?!)"))
        object.__setattr__(self, "_hints", _hints(self.names))

    def masked(self, text: str) -> str:
        """The text with the values masked. Only lines that hold a piece of a name at all are looked at closely."""
        if self._hints is None:
            return self._lines(text)
        content = text.encode("utf-8", "surrogatepass")
        parts: list[str] = []
        done = 0
        for start, end in _spans(content, self._hints):
            lines = content[start:end].decode("utf-8", "surrogatepass")
            if (changed := self._lines(lines)) is not lines:
                parts += [content[done:start].decode("utf-8", "surrogatepass"), changed]
                done = end
        return "".join([*parts, content[done:].decode("utf-8", "surrogatepass")]) if parts else text

    def _lines(self, lines: str) -> str:
        for before, value in _SHAPES:
            lines = self._without(lines, before, value)
        return lines

    def _without(self, text: str, before: re.Pattern[str], value: re.Pattern[str]) -> str:
        parts: list[str] = []
        done = at = 0
        while found := before.search(text, at):
            at = found.end()
            if self._secret(found[1].lower()) and (masked := value.match(text, at)):
                parts += [text[done:at], self.mask]
                done = at = masked.end()
        return "".join([*parts, text[done:]]) if parts else text

    def _secret(self, name: str) -> bool:
        """Whether a name, an option's without its hyphens, or the last part of one with dots is of the patterns."""
        return any(map(self._whole.match, (name, name.lstrip("-"), name.rpartition(".")[2])))


def _hints(names: tuple[str, ...]) -> tuple[bytes, ...] | None:
    """For each pattern a piece that every name of it holds, in ASCII and small letters; None if one has no such piece."""
    found = set[bytes]()
    for name in names:
        plain = re.sub(r"\[[^]]*\]?", "*", name.lower())
        pieces = [piece for piece in _LITERAL.findall(plain) if piece.isascii() and piece.strip()]
        if not pieces:
            return None
        found.add(max(pieces, key=len).encode())
    return tuple(hint for hint in sorted(found) if not any(other in hint for other in found - {hint}))


def _spans(content: bytes, hints: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """Where the lines with a hint begin and end, neighbours together, in their order."""
    small = content.lower()
    hits = sorted({at for hint in hints for at in _lines_with(small, hint)})
    start = end = -1
    for hit in hits:
        if hit > end:
            if end > start >= 0:
                yield start, end
            start = hit
        end = (small.find(b"\n", hit) + 1) or len(small)
    if start >= 0:
        yield start, end


def _lines_with(content: bytes, hint: bytes) -> Iterator[int]:
    """Where the lines that hold the hint begin."""
    at = content.find(hint)
    while at >= 0:
        yield content.rfind(b"\n", 0, at) + 1
        line_end = content.find(b"\n", at)
        at = content.find(hint, line_end) if line_end >= 0 else -1
