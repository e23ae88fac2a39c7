"""The wheel alone: what it holds, what it asks for, and that its command works far from any checkout."""

import asyncio
import configparser
import os
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


async def run(*command: str | Path, cwd: Path, **env: str) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(child.communicate(), 60)
    return child.returncode or 0, said.decode()


@pytest.fixture(scope="module")
async def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    status, said = await run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=ROOT)
    assert status == 0, said
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


async def test_all_sql_and_package_data_travel(wheel: Path) -> None:
    packages = ("bridge", "listeners", "reflector", "sql")
    files = {str(path.relative_to(ROOT)) for name in packages for path in (ROOT / name).rglob("*") if path.is_file()}
    expected = {name for name in files if "__pycache__" not in name}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


async def test_the_base_distribution_asks_for_nothing(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    asked = HeaderParser().parsestr(metadata.read_text()).get_all("Requires-Dist") or []
    assert [each for each in asked if "extra ==" not in each] == []
    assert any(each.startswith("aio-pika") for each in asked)


async def test_the_command_works_from_the_wheel_alone(unpacked: Path, empty_dsn: str, tmp_path: Path) -> None:
    code = (
        "import sys, bridge; assert bridge.__file__.startswith(sys.argv[1]), bridge.__file__;"
        "import asyncio; from bridge.store.migrate import migrate; print(asyncio.run(migrate(sys.argv[2])))"
    )
    python = (sys.executable, "-c", code, str(unpacked), empty_dsn)
    status, said = await run(*python, cwd=tmp_path, PYTHONPATH=str(unpacked))
    assert status == 0, said
    assert "0001_runs.sql" in said
    status, said = await run(sys.executable, "-m", "bridge.cli", "schema", cwd=tmp_path, PYTHONPATH=str(unpacked))
    assert status == 0, said
    assert '"buildername"' in said


async def test_a_master_finds_what_the_plugin_brings(unpacked: Path) -> None:
    (listed,) = unpacked.glob("*.dist-info/entry_points.txt")
    points = configparser.ConfigParser()
    points.optionxform = str  # type: ignore[assignment,method-assign]
    points.read_string(listed.read_text())
    assert {group: dict(points[group]) for group in points.sections() if group.startswith("buildbot.")} == {
        "buildbot.util": {"TaskclusterBridge": "bridge.master:TaskclusterBridge"},
        "buildbot.steps": {"TaskclusterArtifact": "bridge.master:TaskclusterArtifact"},
        "buildbot.www": {"taskcluster": "bridge.master.www:ep"},
    }
