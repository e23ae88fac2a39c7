"""The documents about a build: what they say, that they fit their schemas, and who signed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as some

from bridge.core.artifact import Stored
from bridge.core.run import Run
from bridge.core.verdict import Resolution, Results, Verdict
from bridge.engine import ports
from bridge.published import facts, provenance
from bridge.published.document import DIALECT, Document, schema_file
from bridge.published.provenance import Signer
from bridge.published.publisher import Publisher
from bridge.published.redaction import Redactor
from tests.unit.published.samples import AT, KEY, PAGE, RECORD, REPORTED, STATE, STOPPED

DEFINITION = "d" * 64
STORED = [Stored("public/b.tar", 3, "b" * 64), Stored("public/a ☃.log", 0, "a" * 64)]
MODELS: dict[str, type[Document]] = {facts.SCHEMA: facts.Facts, provenance.SCHEMA: provenance.Provenance}
REDACTION = Redactor(lambda: ["canary-1"], ("*token*",))


def fits(publisher: Publisher) -> ports.Published:
    """The publisher is the one that the engine asks for; mypy checks it here."""
    return publisher


def pem(key: Any, *, password: bytes | None = None) -> str:
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode()


def build_json(run: Run = REPORTED, **changes: Any) -> Any:
    publisher = fits(Publisher(REDACTION, "1.2.3"))
    document = publisher.facts(run, STATE, replace(RECORD, **changes), PAGE, publisher.redactor({}))
    return checked(document, facts.SCHEMA)


def provenance_json(signer: Signer | None = None, stored: list[Stored] = STORED) -> tuple[bytes, bytes | None]:
    publisher = Publisher(REDACTION, "1.2.3", attests=True, signer=signer)
    return fits(publisher).provenance(REPORTED, STATE, RECORD, PAGE, DEFINITION, stored)


def checked(document: bytes, name: str) -> Any:
    """The document, which fits its published schema and is read as it was written."""
    content = json.loads(document)
    checker = jsonschema.Draft202012Validator(schema_file(name), format_checker=jsonschema.FormatChecker())
    checker.validate(content)
    assert MODELS[name].read(document).written() == document
    return content


# --- build.json


def test_it_says_what_ran_where_and_when() -> None:
    said = build_json()
    assert said["version"] == 1
    assert said["bridge"] == {"version": "1.2.3"}
    assert said["task"] == {"taskId": KEY.task_id, "runId": 1}
    assert said["build"] == {
        "builder": "release linux",
        "worker": "bm☃-1",
        "number": 42,
        "id": 70,
        "requestId": 7,
        "url": PAGE,
        "submitted": "2026-03-01T12:00:00.123Z",
        "started": "2026-03-01T12:00:05.123Z",
        "complete": "2026-03-01T12:01:00.123Z",
        "result": {"code": 1, "name": "WARNINGS"},
    }
    assert said["state"] == "warnings compile"


def test_it_says_how_the_result_was_mapped() -> None:
    assert build_json()["verdict"] == {
        "resolution": "completed",
        "why": "the build ended with warnings",
        "result": {"code": 1, "name": "WARNINGS"},
    }
    assert build_json(STOPPED)["verdict"] is None


def test_it_lists_the_steps() -> None:
    first, second, third = build_json()["steps"]
    assert first == {
        "number": 0,
        "name": "checkout",
        "hidden": False,
        "started": "2026-03-01T12:00:05.123Z",
        "complete": "2026-03-01T12:00:06.123Z",
        "result": {"code": 0, "name": "SUCCESS"},
        "state": "update",
        "urls": {},
        "logs": [],
    }
    assert second["logs"] == [
        {"name": "stdio", "kind": "stdio", "lines": 1234},
        {"name": "report", "kind": "html", "lines": 1},
    ]
    assert (third["hidden"], third["started"], third["complete"], third["result"]) == (True, None, None, None)


def test_no_text_of_it_holds_a_secret() -> None:
    step = build_json()["steps"][1]
    assert step["state"] == "compile MY_TOKEN=[secret] with [secret]"
    assert step["urls"] == {"coverage [secret]": "https://x.example.com/?token=[secret]"}
    document = Publisher(REDACTION, "1").facts(
        replace(REPORTED, phase=replace(REPORTED.phase, verdict=Verdict(Resolution.FAILED, "canary-1", None))),
        STATE,
        replace(RECORD, builder="canary-1", worker="x canary-1", state_string="canary-1"),
        f"{PAGE}?canary-1",
        REDACTION.text,
    )
    assert b"canary" not in document
    assert json.loads(document)["verdict"] == {"resolution": "failed", "why": "[secret]", "result": None}


def test_text_of_several_lines_stays_with_its_field() -> None:
    steps = tuple(
        replace(RECORD.steps[0], name=f"{number}\n\n", state_string=f"a{number}\nb MY_TOKEN=x\nc") for number in range(3)
    )
    said = build_json(steps=steps, worker="\n", state_string="")["steps"]
    assert [(step["name"], step["state"]) for step in said] == [
        (f"{number}\n\n", f"a{number}\nb MY_TOKEN=[secret]\nc") for number in range(3)
    ]


def test_it_is_the_same_for_the_same_build() -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    moved = replace(RECORD, started_at=RECORD.started_at.astimezone(elsewhere))
    publisher = Publisher(REDACTION, "1")
    first, second = (publisher.facts(REPORTED, STATE, record, PAGE, REDACTION.text) for record in (RECORD, moved))
    assert first == second
    assert first.isascii()


@pytest.mark.parametrize("code", [*Results, 7, -1])
def test_results_have_buildbots_names(code: int) -> None:
    name = Results(code).name if code in list(Results) else "UNKNOWN"
    assert build_json(results=int(code))["build"]["result"] == {"code": code, "name": name}


def test_what_is_not_known_is_null() -> None:
    publisher = Publisher(REDACTION, "1")
    document = publisher.facts(REPORTED, STATE, replace(RECORD, complete_at=None, results=None), None, REDACTION.text)
    build = checked(document, facts.SCHEMA)["build"]
    assert (build["complete"], build["result"], build["url"]) == (None, None, None)


@given(some.text(some.characters(codec=None, exclude_categories=()), max_size=20))
def test_any_text_of_buildbots_can_be_said(text: str) -> None:
    step = replace(RECORD.steps[1], name=text, state_string=text, urls={text: text})
    said = build_json(state_string=text, worker=text, steps=(step,))
    assert [part["name"] for part in said["steps"]] == [said["state"]]


# --- provenance.json


def test_it_says_what_was_seen_and_attached() -> None:
    said = checked(provenance_json()[0], provenance.SCHEMA)
    assert said["task"] == {"taskId": KEY.task_id, "runId": 1, "definitionSha256": DEFINITION}
    assert said["build"] == build_json()["build"]
    assert said["artifacts"] == [
        {"name": "public/a ☃.log", "size": 0, "sha256": "a" * 64},
        {"name": "public/b.tar", "size": 3, "sha256": "b" * 64},
    ]
    assert provenance_json(stored=STORED[::-1]) == provenance_json()


def test_without_a_key_nothing_is_signed() -> None:
    assert provenance_json()[1] is None


def test_a_signature_holds_for_this_document_and_key_alone() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    document, signature = provenance_json(Signer(lambda: pem(key)))
    assert signature is not None
    assert len(signature) == 64
    key.public_key().verify(signature, document)
    for wrong_key, wrong_document in ((other, document), (key, document.replace(b"bbb", b"bbc"))):
        with pytest.raises(InvalidSignature):
            wrong_key.public_key().verify(signature, wrong_document)


def test_a_key_can_be_replaced_while_it_is_in_use() -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    text = [pem(first)]
    signer = Signer(lambda: text[0])
    for now, key in ((text[0], first), (pem(second), second), ("half a ke", second), (pem(first), first)):
        text[0] = now
        key.public_key().verify(signer.sign(b"document"), b"document")


@pytest.mark.parametrize(
    "text",
    [
        lambda: "",
        lambda: "canary",
        lambda: pem(generate_private_key(65537, 2048)),
        lambda: pem(Ed25519PrivateKey.generate(), password=b"x"),
        lambda: pem(Ed25519PrivateKey.generate()).replace("M", "N", 1),
    ],
)
def test_what_is_no_key_is_told_at_once_and_not_shown(text: Callable[[], str]) -> None:
    given = text()
    with pytest.raises(ValueError, match="is no") as caught:
        Signer(lambda: given)
    assert not given or given not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def accepted(directory: Path) -> bool:
    """What openssl says of the files by the documented command; where there is none, what its library says."""
    if shutil.which("openssl") is not None:
        command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in provenance.json -sigfile provenance.json.sig"
        return subprocess.run(command.split(), cwd=directory, check=False, capture_output=True).returncode == 0
    key = load_pem_public_key((directory / "key.pem").read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    try:
        key.verify((directory / "provenance.json.sig").read_bytes(), (directory / "provenance.json").read_bytes())
    except InvalidSignature:
        return False
    return True


def test_the_signature_is_checked_as_documented(tmp_path: Path) -> None:
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    document, signature = provenance_json(Signer(lambda: text))
    (tmp_path / "provenance.json").write_bytes(document)
    (tmp_path / "provenance.json.sig").write_bytes(signature or b"")
    public = provenance.private_key(text).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    assert accepted(tmp_path)
    (tmp_path / "provenance.json").write_bytes(document + b" ")
    assert not accepted(tmp_path)


# --- schemas


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_that_is_published_is_the_models(name: str) -> None:
    published = schema_file(name)
    assert published == MODELS[name].schema_of(name), "write schema_of() into the file"
    jsonschema.Draft202012Validator.check_schema(published)
    assert (published["$schema"], published["$id"]) == (DIALECT, f"urn:buildbot-bridge:{name}")


@pytest.mark.parametrize("name", MODELS)
def test_every_field_is_described(name: str) -> None:
    schema = schema_file(name)
    for where, part in {"the document": schema, **schema["$defs"]}.items():
        assert part["description"], where
        assert part["additionalProperties"] is False
        for field, said in part["properties"].items():
            assert said.get("description"), f"{where}: {field}"


@pytest.mark.parametrize("change", [{"version": 2}, {"more": 1}, {"build": None}, {"task": {"taskId": "x", "runId": 0}}])
def test_what_is_no_such_document_does_not_fit(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_file(facts.SCHEMA)).validate(build_json() | change)
    with pytest.raises(ValueError, match="validation error"):
        facts.Facts.read(json.dumps(build_json() | change).encode())


def test_times_have_a_zone() -> None:
    with pytest.raises(ValueError, match="timezone"):
        build_json(started_at=AT.replace(tzinfo=None))
