"""Under which name a file becomes an artifact, and what may not be one. All of it without effects.

Taskcluster takes names of printable ASCII. A character beyond that stands in a name as the `%XX` of its UTF-8 bytes; all
others, spaces among them, stand as they are.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import Final

_DEFAULT: Final = "build"
_PUBLIC: Final = "public/"
_LONGEST: Final = 1024
_LONGEST_LIFE: Final = 2**31 - 1
# What the bridge writes by itself, with the numbers that it adds where a name is taken; and what only chain of trust writes.
_OWN: Final = re.compile(
    r"(public|private)/(logs/live(_backing)?(-\d+)?\.log|properties(-\d+)?\.json|buildbot(/.*)?|chain-of-trust\.json.*)"
)
_CONTENT_TYPE: Final = re.compile(r"[!-~]+/[!-~]+( *;[ -~]*)?", re.ASCII)
_PACKED: Final[Mapping[str, str]] = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}
# The tables of the standard library alone: those of the master's machine would make a file's type depend on where it runs.
_TYPES: Final = mimetypes.MimeTypes()
_TYPES.add_type("text/plain", ".log")


class Unusable(Exception):  # noqa: N818 - its name is what happened
    """What was asked for cannot be done; the message is for the person who wrote the step."""


def of_file(path: str, artifact: str | None, *, public: bool) -> str:
    """Name the artifact of one file at `path`, relative to the workdir; raises Unusable."""
    return _checked(_placed(artifact if artifact is not None else _by_default(path, public=public), public=public))


def of_files(paths: Sequence[str], base: str, artifact: str | None, *, public: bool) -> dict[str, str]:
    """Name the artifacts of several files, all of them below the directory `base`; raises Unusable.

    With `artifact`, a directory of artifacts, the names are relative to `base`; without it, to the workdir.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for path in paths:
        given = None if artifact is None else f"{artifact.rstrip('/')}/{path.removeprefix(base).lstrip('/')}"
        name = of_file(path, given, public=public)
        if name in taken:
            raise Unusable(f"two files would have the artifact name {name!r}; one of them is {path!r}")
        taken.add(name)
        names[path] = name
    return names


def _by_default(path: str, *, public: bool) -> str:
    return f"{'public' if public else 'private'}/{_DEFAULT}/{path}"


def _placed(name: str, *, public: bool) -> str:
    if public:
        return name if name.startswith(_PUBLIC) else f"{_PUBLIC}{name}"
    if name.startswith(_PUBLIC):
        raise Unusable(f"an artifact of the name {name!r} is public, and public=False is asked for")
    return name


def _checked(name: str) -> str:
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise Unusable(f"the artifact name {name!r} has an empty part, `.` or `..`")
    encoded = "".join(map(_encoded, name))
    if len(encoded) > _LONGEST:
        raise Unusable(f"the artifact name {encoded[:100]!r}… is longer than {_LONGEST} characters")
    if _OWN.fullmatch(encoded) is not None:
        raise Unusable(f"the artifact name {encoded!r} is one of the bridge's own")
    return encoded


def _encoded(character: str) -> str:
    if " " <= character <= "~":
        return character
    raw = character.encode("utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in raw)


def directory_or_name(given: object) -> str | None:
    """Give the artifact's name, or the directory of several, as it was asked for; raises Unusable."""
    if given is not None and (not isinstance(given, str) or not given):
        raise Unusable("`artifact` must be a name")
    return given


def content_type(path: str, given: object) -> str:
    """Give the media type of a file: the given one, or what the end of its name says; raises Unusable."""
    if given is not None:
        if not isinstance(given, str) or _CONTENT_TYPE.fullmatch(given) is None or len(given) > 255:
            raise Unusable(f"{str(given)[:300]!r} is not a content type")
        return given
    guessed, packed = _TYPES.guess_type(path.rpartition("/")[2])
    if packed is not None:
        return _PACKED.get(packed, "application/octet-stream")
    return guessed or "application/octet-stream"


def lifetime(given: object) -> int | None:
    """Read seconds, which a property may hold as text; None means as long as the task; raises Unusable."""
    if given is None:
        return None
    text = str(given)
    if isinstance(given, bool) or not (text.isascii() and text.isdecimal() and 0 < int(text[:11]) <= _LONGEST_LIFE):
        raise Unusable(f"`expires` must be a number of seconds above 0, and is {text[:100]!r}")
    return int(text)


def source(given: object, *, backslashes: bool) -> str:
    """Give what to look for below the workdir with `/` between its parts; raises Unusable."""
    if not isinstance(given, str) or not given or "\0" in given:
        raise Unusable("`source` must be the name of a file, of a directory, or a pattern")
    text = given.replace("\\", "/") if backslashes else given
    parts = text.split("/")
    if text.startswith(("/", "~")) or ".." in parts or (backslashes and ":" in text):
        raise Unusable(f"`source` must lie below the builder's workdir, and {given!r} does not")
    return "/".join(part for part in parts if part not in {"", "."}) or "."


def fixed_part(pattern: str) -> str:
    """Give the directory in which all matches of a pattern lie: its parts before the first one with a `*`, `?` or `[`."""
    parts = pattern.split("/")
    first = next((index for index, part in enumerate(parts) if is_pattern(part)), len(parts))
    return "/".join(parts[:first])


def is_pattern(text: str) -> bool:
    return any(character in text for character in "*?[")
