"""What is made once for all tests of a release."""

from pathlib import Path

import pytest

from tests.release import distribution


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheel and sdist of this tree."""
    return distribution.made(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def wheel(made: list[Path]) -> Path:
    return next(path for path in made if path.suffix == ".whl")


@pytest.fixture(scope="session")
def sdist(made: list[Path]) -> Path:
    return next(path for path in made if path.suffix == ".gz")
