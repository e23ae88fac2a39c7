"""Manifests that many tests look at."""

import pytest

from tests.integration.chart.rendering import FULL, MINIMAL, Manifest, manifest


@pytest.fixture(scope="session")
def full() -> Manifest:
    return manifest(FULL)


@pytest.fixture(scope="session")
def minimal() -> Manifest:
    return manifest(MINIMAL)
