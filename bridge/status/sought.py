"""What a person may have meant by what was typed or pasted into the search. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SLUG: Final = r"[A-Za-z0-9_-]{22}"
_NUMBER: Final = r"(?P<number>[0-9]{1,18})"
_BIGGEST: Final = (1 << 63) - 1
_NAME: Final = r"(?P<builder>[^\x00-\x1f\x7f]{1,256}?)"
# The first that fits is meant. Addresses of either side are taken by their ends, wherever the side lives.
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"(?:\S*/)?(?:tasks/)?groups/(?P<group>{_SLUG})(?:[/?#].*)?",
        rf"(?:\S*/)?tasks/(?P<task>{_SLUG})(?:/runs/(?P<run>[0-9]{{1,3}}))?(?:[/?#].*)?",
        rf"(?P<task>{_SLUG})(?:[/. ](?P<run>[0-9]{{1,3}}))?",
        r"\S*#/?buildrequests/(?P<request>[0-9]{1,18})(?:[/?].*)?",
        rf"\S*#/?builders/(?P<builder_id>[0-9]{{1,18}})/builds/{_NUMBER}(?:[/?].*)?",
        r"(?:build )?request #?(?P<request>[0-9]{1,18})",
        rf"(?:build )?#?{_NUMBER}",
        rf"{_NAME}(?: build | #|#| |/){_NUMBER}",
        _NAME,
    )
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What to look for; what is None is not. A name of 22 characters may be a task, a group, a builder."""

    task: str | None = None
    run: int | None = None
    group: str | None = None
    request: int | None = None
    build: int | None = None
    builder: str | None = None
    number: int | None = None
    """The number of a build, which counts for each builder by itself."""
    builder_id: int | None = None
    """Buildbot's id of the builder that has that number, if it is known."""

    @property
    def words(self) -> str:
        """The same for people."""
        of_task = f"task {self.task}" if self.run is None else f"run {self.task}/{self.run}"
        named = (
            (self.task, of_task),
            (self.group, f"task group {self.group}"),
            (self.request, f"build request {self.request}"),
            (self.build, f"build {self.build}"),
            (self.number, f"build number {self.number}{f' of {self.builder}' if self.builder else ''}"),
            (self.builder if self.number is None else None, f"builder {self.builder}"),
        )
        return " or ".join(words for value, words in named if value is not None)


def sought(text: str) -> Sought:
    """What the text may mean."""
    said = " ".join(text.split())
    for form in _FORMS:
        match = form.fullmatch(said)
        if match is not None:
            return _meant(said, {name: value for name, value in match.groupdict().items() if value is not None})
    return Sought()


def _meant(said: str, parts: dict[str, str]) -> Sought:
    numbers = {name: int(value) for name, value in parts.items() if name not in ("task", "group", "builder")}
    task, group, builder = parts.get("task"), parts.get("group"), parts.get("builder")
    if task == said:
        return Sought(task=task, group=task, builder=task)
    if "number" in numbers and builder is None and "builder_id" not in numbers:
        number = numbers["number"]
        of_request = number if said.lstrip("#").isdigit() else None
        return Sought(request=of_request, build=number, number=number)
    return Sought(task=task, group=group, builder=builder, **numbers)
