"""Files are listed whole and all together, or not at all, and only for the build whose they are."""

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from bridge.master import manifest
from bridge.master.manifest import Owner
from bridge.master.spool import Full, Spool, Spooling

OWNER = Owner(7, "RQ6OGWNuRYCLxPGx9t3GZg/0")
OTHER = Owner(7, "AAAAAAAAAAAAAAAAAAAAAA/0")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 1000)


def put(spooling: Spooling, name: str, *blocks: bytes) -> None:
    incoming = spooling.file()
    for block in blocks:
        incoming.write(block)
    incoming.finish()
    spooling.describe(incoming, name=name, content_type="text/plain", lifetime=None, mandatory=True)


def give(spool: Spool, owner: Owner, **files: bytes) -> None:
    spooling = spool.begin(owner)
    for name, content in files.items():
        put(spooling, name, content)
    spooling.commit()


def read(spool: Spool, owner: Owner, number: int) -> bytes | None:
    file = spool.open(owner, number)
    if file is None:
        return None
    with file:
        return file.read()


def test_a_file_is_listed_with_its_length_and_hash_when_its_step_is_over(spool: Spool) -> None:
    spooling = spool.begin(OWNER)
    put(spooling, "a", b"one", b"two")
    assert spool.entries(OWNER) == ()
    assert spool.open(OWNER, 1) is None
    spooling.commit()
    (entry,) = spool.entries(OWNER)
    assert (entry.number, entry.name, entry.size) == (1, "a", 6)
    assert entry.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert read(spool, OWNER, 1) == b"onetwo"
    assert read(spool, OWNER, 2) is None


def test_steps_add_up_and_numbers_do_not_come_again(spool: Spool) -> None:
    give(spool, OWNER, a=b"1", b=b"2")
    lost = spool.begin(OWNER)
    put(lost, "c", b"3")
    lost.discard()
    give(spool, OWNER, d=b"4")
    assert [(entry.number, entry.name) for entry in spool.entries(OWNER)] == [(1, "a"), (2, "b"), (3, "d")]
    assert spool.begin(OWNER).names == {"a", "b", "d"}
    assert read(spool, OWNER, 3) == b"4"


def test_a_crash_before_the_list_is_written_leaves_what_was_listed_before(spool: Spool) -> None:
    give(spool, OWNER, a=b"1")
    crashed = spool.begin(OWNER)
    put(crashed, "b", b"half")
    (spool.place(7) / f"{manifest.NAME}.new").write_bytes(b'{"version": 1, "exter')
    assert [entry.name for entry in spool.entries(OWNER)] == ["a"]
    give(spool, OWNER, c=b"2")
    assert [read(spool, OWNER, entry.number) for entry in spool.entries(OWNER)] == [b"1", b"2"]


def test_files_of_another_build_are_neither_listed_nor_opened_and_make_way(spool: Spool) -> None:
    give(spool, OTHER, a=b"theirs", b=b"theirs too")
    assert spool.entries(OWNER) == ()
    assert spool.open(OWNER, 1) is None
    give(spool, OWNER, c=b"ours")
    assert spool.entries(OTHER) == ()
    assert sorted(each.name for each in spool.place(7).iterdir()) == ["1", manifest.NAME]


def test_a_list_of_a_later_version_is_not_understood(spool: Spool) -> None:
    give(spool, OWNER, a=b"1")
    path = spool.place(7) / manifest.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    os.utime(path, (1, 1))
    assert spool.entries(OWNER) == ()


def test_the_limit_is_of_all_builds_and_what_goes_makes_room(spool: Spool) -> None:
    give(spool, OWNER, a=b"x" * 600)
    other = spool.begin(Owner(8, OTHER.external_id))
    incoming = other.file()
    incoming.write(b"y" * 400)
    with pytest.raises(Full, match="spool_bytes"):
        incoming.write(b"y")
    spool.remove(7)
    spool.remove(7)
    incoming.write(b"y" * 600)
    with pytest.raises(Full):
        incoming.write(b"y")
    other.discard()
    give(spool, OWNER, a=b"x" * 1000)


def test_what_is_there_already_counts_when_it_is_measured(spool: Spool, tmp_path: Path) -> None:
    give(spool, OWNER, a=b"x" * 600)
    again = Spool(tmp_path / "spool", 1000)
    again.measure()
    again.reserve(400)
    with pytest.raises(Full):
        again.reserve(1)


def test_nobody_else_on_the_machine_reads_what_waits_there(spool: Spool) -> None:
    give(spool, OWNER, a=b"1")
    assert stat.S_IMODE(spool.place(7).stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in spool.place(7).iterdir()} == {0o600}


def test_age_is_that_of_the_last_change(spool: Spool) -> None:
    assert spool.older_than(2**31) == []
    give(spool, OWNER, a=b"1")
    (spool.directory / "notes").mkdir()
    os.utime(spool.place(7), (1000, 1000))
    assert (spool.older_than(999), spool.older_than(1001)) == ([], [7])


def test_a_build_gives_away_a_limited_number_of_files(spool: Spool) -> None:
    spooling = spool.begin(OWNER)
    room = spooling.room
    put(spooling, "a", b"")
    assert spooling.room == room - 1
    spooling.commit()
    assert spool.begin(OWNER).room == room - 1
