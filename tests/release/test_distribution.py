"""Wheel and sdist: the same bytes each time, and each made from the other's content."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from tests.release import distribution
from tests.release.image import VERSION
from tests.sandbox.environment import INSTALLED, ROOT

SAFELY: dict = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""How archives are unpacked; Python 3.11.2, Debian 12's, does not know it yet."""


def copied(place: Path) -> Path:
    """The sources under another name, with other times and rights, and without git."""
    place.mkdir()
    for name in (*INSTALLED, "CHANGELOG.md"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)
    for path in place.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)
    return place


def test_two_builds_of_the_same_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (distribution.made(tmp_path / f"out-{name}", copied(tmp_path / name)) for name in ("one", "two words"))
    assert [path.name for path in one] == [path.name for path in other]
    assert [path.suffix for path in one] == [".whl", ".gz"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_the_time_in_archives_is_that_of_the_commit(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        years = {info.date_time[0] for info in archive.infolist()}
    said = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=True)
    assert distribution.committed_at() == int(said.stdout)
    assert len(years) == 1


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, **SAFELY)
    (source,) = tmp_path.iterdir()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(distribution.committed_at())}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "again")]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    (again,) = (tmp_path / "again").iterdir()
    assert again.name == wheel.name
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(wheel) as other:
        assert {name: one.read(name) for name in one.namelist()} == {name: other.read(name) for name in other.namelist()}


def test_the_version_stands_in_one_file(wheel: Path, sdist: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "bridge/master/VERSION"
    assert wheel.name == f"buildbot_bridge-{VERSION}-py3-none-any.whl"
    assert sdist.name == f"buildbot_bridge-{VERSION}.tar.gz"


def test_the_changelog_tells_of_this_version() -> None:
    assert f"\n## {VERSION}, " in (ROOT / "CHANGELOG.md").read_text()
