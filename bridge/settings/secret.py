"""A secret: given as text or as a file, read when it is used, shown never."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

MASK = "[secret]"


class Secret:
    """A secret's value as it is now. A file is read again when it was replaced or changed."""

    __slots__ = ("_file", "_seen", "_text")

    def __init__(self, text: SecretStr | None, file: Path | None) -> None:
        """Take the text, or the file that holds it; raises ValueError unless exactly one is given and can be read."""
        if (text is None) == (file is None):
            raise ValueError("give either the setting itself or its _file twin" + ("" if text is None else ", not both"))
        self._file = file
        self._text = text.get_secret_value() if text is not None else ""
        self._seen: tuple[int, ...] | None = None
        if not self._refreshed():
            raise ValueError("is empty")

    def __repr__(self) -> str:
        return f"Secret({str(self._file)!r})" if self._file else f"Secret({MASK!r})"

    def __call__(self) -> str:
        """The value. While its file cannot be read, or is empty, the last one that was."""
        try:
            return self._refreshed()
        except ValueError:
            return self._text

    def open_to_others(self) -> bool:
        """Whether any account of the machine may read the file."""
        return self._file is not None and bool(self._file.stat().st_mode & stat.S_IROTH)

    @property
    def file(self) -> Path | None:
        """Where it is read from; None when it was given as text."""
        return self._file

    def parts(self) -> Iterator[str]:
        """All texts that must not be shown: the value and, of an address with a password, the password in both forms."""
        yield (value := self())
        if "://" in value and (password := _password(value)):
            yield password
            yield unquote(password)

    def _refreshed(self) -> str:
        if self._file is None:
            return self._text
        try:
            now = self._file.stat()
            seen = (now.st_mtime_ns, now.st_size, now.st_ino)
            # An empty file is one that somebody is just writing: the next look reads it again.
            if seen != self._seen and (text := self._file.read_text(encoding="utf-8").strip()):
                self._text, self._seen = text, seen
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise ValueError(f"{self._file} cannot be read: {reason}") from None
        return self._text


def _password(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None
