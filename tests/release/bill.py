"""What the image holds beside its base, as a CycloneDX document: each package, its version, its licence, whom it is there for.

cyclonedx-bom looks at the environment that the tests run in, which has the same versions as the image and more; the lock
says what of it is in the image.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from tests.sandbox.environment import ROOT

LOCK: Final = ROOT / "requirements" / "runtime.txt"
_LOCKED: Final = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)
_IMAGE: Final = {
    "python_version": "3.13", "python_full_version": "3.13.5", "sys_platform": "linux", "platform_system": "Linux",
    "platform_python_implementation": "CPython", "implementation_name": "cpython", "os_name": "posix",
}  # fmt: skip
Json = dict[str, Any]


def of_the_image(version: str) -> Json:
    """The document. No time and no serial number are in it: the same lock gives the same bytes."""
    document, there = _seen(), in_the_image()
    kept = {each["bom-ref"]: each for each in document["components"] if _name(each) in there}
    root = {"type": "application", "name": "buildbot-bridge", "version": version, "bom-ref": "root",
            "licenses": [{"license": {"id": "MPL-2.0"}}]}  # fmt: skip
    document["metadata"]["component"] = root
    document["components"] = [_licensed(each) for each in kept.values()]
    between = [each for each in document["dependencies"] if each["ref"] in kept]
    for each in between:
        each["dependsOn"] = [other for other in each.get("dependsOn", ()) if other in kept]
    document["dependencies"] = [{"ref": "root", "dependsOn": sorted(kept)}, *between]
    return document


def written(directory: Path, version: str) -> Path:
    """The document as a file."""
    path = directory / f"buildbot_bridge-{version}.cdx.json"
    path.write_text(json.dumps(of_the_image(version), indent=1, sort_keys=True) + "\n")
    return path


def faults(document: Path) -> str:
    """What of the document is against the schema of CycloneDX; empty if nothing is. Takes ten seconds: the schema is large."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.read_text())
    return str(found or "")


def in_the_image() -> dict[str, str]:
    """Name and version of each package that the lock has for the image's Python."""
    found = _LOCKED.finditer(LOCK.read_text())
    return {
        canonicalize_name(each["name"]): each["version"]
        for each in found
        if each["marker"] is None or Marker(each["marker"]).evaluate(_IMAGE)
    }


def _seen() -> Json:
    # What comes of it is checked when it is complete, see `faults`.
    options = ("--output-reproducible", "--no-validate", "--sv=1.6", "--of=JSON")
    command = [sys.executable, "-m", "cyclonedx_py", "environment", *options, "-o", "-", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"cyclonedx_py failed ({done.returncode}):\n{done.stderr}")
    document: Json = json.loads(done.stdout)
    return document


def _licensed(component: Json) -> Json:
    """Some packages say their licence in words of their own, which the tool leaves out."""
    if "licenses" in component:
        return component
    said = importlib.metadata.metadata(component["name"])["License"]
    return {**component, "licenses": [{"license": {"name": said}}]} if said else component


def _name(component: Json) -> str:
    return canonicalize_name(component["name"])
