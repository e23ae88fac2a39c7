"""`./dev release [--out DIRECTORY]`: everything that a version hands out, with checksums. `./dev image`: the image alone."""

import argparse
import hashlib
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.release import bill, distribution, image
from tests.release.engine import EngineError
from tests.sandbox.environment import ROOT

SUMS = "SHA256SUMS"
BASE = "python:3.13-slim"


def main() -> int:
    """Do what was asked; 1 and a sentence where it cannot be done."""
    parser = argparse.ArgumentParser(prog="./dev", description="Makes what a version hands out.")
    parser.add_argument("what", choices=("release", "image"))
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="directory; files of an earlier release in it go")
    parser.add_argument("--base", default=BASE, help="the image's base, best with a digest")
    parser.add_argument("--tag", default=f"buildbot-bridge:{image.VERSION}", help="the image's name")
    given = parser.parse_args()
    try:
        told = _image(given.base, given.tag) if given.what == "image" else _release(given.out)
    except (EngineError, RuntimeError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    print(told)
    return 0


def _image(base: str, tag: str) -> str:
    created = datetime.fromtimestamp(distribution.committed_at(), UTC).isoformat()
    image.build(base, tag, REVISION=distribution.commit(), CREATED=created)
    return f"built {tag}. To hand it on: buildah push {tag} docker://…, or oci-archive:FILE"


def _release(out: Path) -> str:
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("buildbot_bridge-*"), *out.glob(SUMS)):
        old.unlink()
    files = [*distribution.made(out), listed := bill.written(out, image.VERSION)]
    if wrong := bill.faults(listed):
        raise RuntimeError(f"{listed} is no CycloneDX document: {wrong}")
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (out / SUMS).write_text(sums)
    return "\n".join([*_doubts(), *(f"{path.stat().st_size:>9,} {path}" for path in [*files, out / SUMS])])


def _doubts() -> list[str]:
    """What a person should mend before others get this."""
    doubts = []
    if distribution.commit().endswith("-dirty"):
        doubts.append("! not everything is committed: nobody can build these files again")
    changes = (ROOT / "CHANGELOG.md").read_text()
    if not re.search(rf"^## {re.escape(image.VERSION)}, \d{{4}}-\d\d-\d\d$", changes, re.MULTILINE):
        doubts.append(
            f"! CHANGELOG.md has no day for {image.VERSION}: its heading should be `## {image.VERSION}, YYYY-MM-DD`"
        )
    return doubts


if __name__ == "__main__":
    sys.exit(main())
