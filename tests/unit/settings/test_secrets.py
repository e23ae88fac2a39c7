"""Secrets are read when they are used, and shown never."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.settings import load
from bridge.settings.secret import Secret
from bridge.settings.shown import advice, shown
from tests.unit.settings.conftest import CANARIES

Written = Callable[..., Path]


def test_no_secret_is_in_what_the_settings_show_of_themselves(written: Written) -> None:
    settings = load(written())
    said = [repr(settings), str(settings), str(shown(settings)), settings.model_dump_json(), str(settings.deployment())]
    said += [repr(secret) for _, secret in settings.secrets()]
    assert not [canary for canary in CANARIES for text in said if canary in text]
    assert shown(settings)["taskcluster"]["access_token"] == "[secret]"


def test_every_form_of_a_secret_is_known_to_those_who_mask_it(written: Written) -> None:
    texts = load(written()).secret_texts()
    assert {"canary-access", "canary-db", "canary-bearer", "canary-p@ss", "canary-p%40ss"} <= texts
    assert "amqps://bridge:canary-p%40ss@pulse.example.org/%2F" in texts


def test_a_changed_file_is_read_again(tmp_path: Path, written: Written) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    settings = load(written(('token = "canary-bearer"', f'token_file = "{file}"')))
    bearer = settings.buildbots["main"].bearer
    assert bearer() == "first"
    file.write_text("second, longer\n")
    assert bearer() == "second, longer"
    assert "second, longer" in settings.secret_texts()


def test_a_replaced_file_of_the_same_length_is_read_again(tmp_path: Path) -> None:
    file, other = tmp_path / "token", tmp_path / "next"
    file.write_text("first")
    secret = Secret(None, file)
    other.write_text("other")
    other.rename(file)
    assert secret() == "other"


def test_while_the_file_is_away_or_empty_the_last_value_stays(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    secret = Secret(None, file)
    file.write_text("")
    assert secret() == "first"
    file.unlink()
    assert secret() == "first"
    file.write_text("back")
    assert secret() == "back"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_file_without_a_readable_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"empty|UTF-8"):
        Secret(None, file)


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, written: Written) -> None:
    file = tmp_path / "token"
    file.write_text("something")
    path = written(('token = "canary-bearer"', f'token_file = "{file}"'))
    file.chmod(0o644)
    assert [line for line in advice(load(path)) if f"chmod o-r {file}" in line]
    file.chmod(0o600)
    assert list(advice(load(path))) == []


def test_what_is_likely_not_meant_is_advised_against(written: Written) -> None:
    path = written(
        ('builders = ["linux64-*"]', ""),
        ("https://buildbot", "http://buildbot"),
        add='[buildbots.idle]\nurl = "http://localhost:1"\ntoken = "x"\n[web]\nhost = "0.0.0.0"',
    )
    said = "\n".join(advice(load(path)))
    for part in ("builders is empty", "main.url: the token goes over", "idle is used by no pool", "web.host is 0.0.0.0"):
        assert part in said
    assert "idle.url" not in said
