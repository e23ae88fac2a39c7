"""What passes by on its way to Buildbot's plugin tells which cancels were asked for."""

from pathlib import Path

from tests.chaos.record import Record
from tests.sandbox.stack import Stack

HEAD = "{} /plugins/taskcluster/v1/runs/T/3/{} HTTP/1.1\r\nHost: x\r\n\r\n"


def test_cancels_are_noted_and_nothing_else(tmp_path: Path) -> None:
    record = Record(Stack(tmp_path))
    for method, action in (("POST", "cancel"), ("POST", "priority"), ("GET", "cancel")):
        record.heard(HEAD.format(method, action).encode())
    assert [cancel.key for cancel in record.cancels] == ["T/3"]
