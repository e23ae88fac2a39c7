"""The list of what is in the image, against the image itself."""

import json
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.release import bill, engine
from tests.release.image import VERSION

pytestmark = pytest.mark.timeout(900)  # the first test of the image waits for its build
INSTALLED = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


def test_it_lists_what_is_in_the_image(image: str) -> None:
    document = bill.of_the_image(VERSION)
    listed = {canonicalize_name(each["name"]): each["version"] for each in document["components"]}
    held = {canonicalize_name(name): version for name, version in json.loads(engine.python(image, INSTALLED)).items()}
    assert listed | {"buildbot-bridge": VERSION} == held


def test_it_names_a_licence_for_each_and_whom_it_is_there_for() -> None:
    document = bill.of_the_image(VERSION)
    assert [each["name"] for each in document["components"] if not each.get("licenses")] == []
    refs = {each["bom-ref"] for each in document["components"]}
    asked = {other for each in document["dependencies"] for other in each["dependsOn"]}
    assert asked == refs
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["version"] == VERSION


def test_it_is_what_scanners_read_and_names_no_place(tmp_path: Path) -> None:
    text = (path := bill.written(tmp_path, VERSION)).read_text()
    assert bill.faults(path) == ""
    assert "file:" not in text
    path.write_text(text.replace('"purl"', '"curl"', 1))
    assert "curl" in bill.faults(path)


def test_the_same_lock_gives_the_same_bytes(tmp_path: Path) -> None:
    first = bill.written(tmp_path, VERSION).read_bytes()
    assert bill.written(tmp_path, VERSION).read_bytes() == first
    assert b"serialNumber" not in first
