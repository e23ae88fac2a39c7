"""From a file and the environment to settings that are right, or to words on what is wrong."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pydantic_settings
from pydantic import ValidationError

from bridge.settings.settings import Settings
from bridge.settings.words import problems

DEFAULT: Final = Path("/etc/buildbot-bridge/bridge.toml")
VARIABLE: Final = "BBB_CONFIG"
# Kubernetes sets such variables for every service of a namespace; one whose name begins with `bbb` must not stop us.
_OF_KUBERNETES: Final = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_\d+_(TCP|UDP)(_.+)?)\Z")


class SettingsError(Exception):
    """The settings cannot be used; the text says which, why, and gives examples."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([f"The settings cannot be used ({source}):", *(f"- {each}" for each in problems)]))


def load(path: Path | None = None) -> Settings:
    """Read the settings: from `path`, else from where BBB_CONFIG points, else from the default place.

    Raises `SettingsError`. Without any file the environment alone may do.
    """
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    source = f"{named or DEFAULT} and the environment"
    written = _table(named or DEFAULT, required=named is not None)
    if unknown := _unknown_variables():
        raise SettingsError(source, unknown)
    try:
        return Settings(**written)
    except ValidationError as error:
        found = problems(error, Settings)
        if not written and named is None:
            found.append(f"There is no file {DEFAULT}: name another one with --config or {VARIABLE}.")
        raise SettingsError(source, found) from None
    except pydantic_settings.SettingsError as error:
        raise SettingsError(source, [f"{error}: lists and tables in a variable are written as JSON"]) from None


def _table(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        if not required:
            return {}
        raise SettingsError(str(path), ["There is no such file. Name one with --config or BBB_CONFIG."]) from None
    except OSError as error:
        raise SettingsError(str(path), [f"The file cannot be read: {error.strerror}."]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Without the line itself: it may hold a secret.
        raise SettingsError(str(path), [f"The file is not TOML: {error}."]) from None


def _unknown_variables() -> list[str]:
    known = [f"BBB_{name.upper()}" for name in Settings.model_fields]
    return [
        _unknown(name, known)
        for name in sorted(os.environ)
        if name.upper().startswith("BBB_") and name.upper() != VARIABLE and name.upper().split("__")[0] not in known
        if not _OF_KUBERNETES.search(name)
    ]


def _unknown(name: str, known: Sequence[str]) -> str:
    joined = difflib.get_close_matches(name.upper().split("__")[0], known, n=1)
    table = next((each for each in known if name.upper().startswith(each + "_")), None)
    if table is not None:  # one underscore where two belong
        return f"The variable {name} is not a setting. Did you mean {table}__{name[len(table) + 1 :].lstrip('_').upper()}?"
    return f"The variable {name} is not a setting.{f' Did you mean {joined[0]}?' if joined else ''}"
