"""The status API's settings: nothing is open to others by oversight."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.settings import SettingsError, load

Written = Callable[..., Path]
LONG = "0123456789abcdef0123456789abcdef"


def problem(path: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        load(path)
    return str(refused.value)


def test_it_is_on_the_loopback_and_open_there(written: Written) -> None:
    section = load(written()).status
    assert (section.host, section.local, section.guarded, section.tokens, section.watchers) == (
        "127.0.0.1",
        True,
        False,
        (),
        100,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bridge.example.org", "127.0.0.1.example.org"])
def test_beyond_the_loopback_it_needs_a_token_or_a_proxy(written: Written, host: str) -> None:
    said = problem(written(add=f'[status]\nhost = "{host}"\n'))
    assert f"status.host: {host} can be reached from elsewhere; give read_token" in said
    assert load(written(add=f'[status]\nhost = "{host}"\nread_token = "{LONG}"\n')).status.guarded
    proxy = f'[status]\nhost = "{host}"\nproxy_header = "X-User"\nproxy_secret = "{LONG}"\n'
    assert load(written(add=proxy)).status.proofs == (LONG,)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_loopback_has_several_names(written: Written, host: str) -> None:
    assert load(written(add=f'[status]\nhost = "{host}"\n')).status.local


def test_tokens_are_exchanged_without_a_restart(written: Written, tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text(LONG + "\n")
    old.write_text(LONG[::-1])
    section = load(written(add=f'[status]\nread_token_file = "{new}"\nold_read_token_file = "{old}"\n')).status
    for text, good in ((LONG, [LONG, LONG[::-1]]), (LONG * 2, [LONG * 2, LONG[::-1]]), ("short", [LONG[::-1]])):
        new.write_text(text)
        assert list(section.tokens) == good
        assert section.guarded


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('read_token = "short"', "status.read_token: must have at least 32 characters"),
        ('read_token = ""', "status.read_token"),
        (f'old_read_token = "{LONG}"', "status.old_read_token: is of no use without read_token"),
        ('read_token_file = "/nowhere/token"', "status.read_token: /nowhere/token cannot be read"),
        ('proxy_header = "X-User"', "status.proxy_header: anybody can send it; give proxy_secret"),
        ('proxy_header = "X User"', "must be a header's name"),
        ('proxy_addresses = ["10.0.0.300"]', "must be an address or a network"),
        ('allowed_hosts = ["https://x"]', "must be a host's name"),
        ("watchers = 0", "status.watchers"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(written: Written, lines: str, said: str) -> None:
    assert said in problem(written(add=f"[status]\n{lines}\n"))


def test_its_secrets_are_among_those_that_are_never_shown(written: Written) -> None:
    lines = f'[status]\nread_token = "{LONG}"\nproxy_header = "X-User"\nproxy_secret = "{LONG[::-1]}"\n'
    settings = load(written(add=lines))
    assert {LONG, LONG[::-1]} <= settings.secret_texts()
    assert LONG not in repr(settings)
