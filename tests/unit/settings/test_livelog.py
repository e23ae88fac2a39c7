"""The live log has an address and a key, or is not there."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.livelog.address import LEAST_KEY
from bridge.settings import livelog
from bridge.settings.livelog import LiveLogSettings

KEY, OTHER = "canary-key-of-32-characters-or-more", "canary-old-key-of-32-characters-or-more"
URL = "https://logs.example.org"


def wrong(**settings: object) -> str:
    with pytest.raises(ValidationError) as error:
        LiveLogSettings.model_validate(settings)
    assert "canary" not in str(error.value)
    return str(error.value)


def test_it_is_off_unless_it_has_an_address() -> None:
    plain = LiveLogSettings()
    assert plain.public_url is None
    assert plain.keys == ()
    assert list(plain.secrets()) == []


def test_the_address_needs_a_key_that_nobody_guesses() -> None:
    assert "key: give either the setting itself or its _file twin" in wrong(public_url=URL)
    assert "key: must have at least 32 characters, as from: openssl rand -hex 32" in wrong(public_url=URL, key="canary")
    assert "old_key: must have at least" in wrong(public_url=URL, key=KEY, old_key="canary")
    assert "key: give either" in wrong(public_url=URL, key=KEY, key_file="x")
    assert "old_key: " in wrong(public_url=URL, key=KEY, old_key_file="/nowhere")
    assert livelog.LEAST_KEY == LEAST_KEY


def test_the_address_has_no_slash_at_its_end() -> None:
    assert LiveLogSettings(public_url=URL + "/logs/", key=KEY).public_url == URL + "/logs"


def test_the_first_key_signs_and_the_other_one_is_good_for_a_while(tmp_path: Path) -> None:
    now, before = tmp_path / "now", tmp_path / "before"
    now.write_text(KEY + "\n")
    before.write_text(OTHER + "\n")
    settings = LiveLogSettings(public_url=URL, key_file=now, old_key_file=before)
    for text, good in ((KEY, [KEY, OTHER]), (KEY + "-new", [KEY + "-new", OTHER]), ("short", [OTHER])):
        now.write_text(text + "\n")
        assert list(settings.keys) == good
    assert {name: secret() for name, secret in settings.secrets()} == {"key": "short", "old_key": OTHER}


def test_no_key_is_in_what_the_settings_show_of_themselves() -> None:
    assert "canary" not in repr(LiveLogSettings(public_url=URL, key=KEY, old_key=OTHER))
