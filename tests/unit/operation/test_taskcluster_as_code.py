"""README's snippets for Taskcluster's own configuration grant what `bbb scopes` says for the example settings, and no more."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.core.admission import satisfies
from bridge.doctor.scopes import beyond, needed
from bridge.settings import Settings, load
from tests.sandbox.environment import ROOT

SECTION = (ROOT / "README.md").read_text().split('<a id="as-code">')[1].split("\n### ")[0]
CLIENT = "project/example/buildbot-bridge"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> Settings:
    """The example settings, with secrets in place."""
    text = (ROOT / "docker" / "bridge.example.toml").read_text().replace("/run/secrets", str(tmp_path))
    for name in set(re.findall(rf'{re.escape(str(tmp_path))}/([a-z-]+)"', text)):
        (tmp_path / name).write_text("amqps://a:b@c/%2F" if name == "pulse-url" else "postgresql://a:b@c/d")
    (tmp_path / "bridge.toml").write_text(text)
    return load(tmp_path / "bridge.toml")


class Adopted:
    """What the generator adds, read from its text."""

    def __init__(self, text: str) -> None:
        self.known: dict[str, Any] = {}
        self.added: dict[str, tuple[str, list[str]]] = {}
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=constant)):
                    self.known[name] = constant
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.List() as value):
                    self.known[name] = [self.text(each) for each in value.elts]
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(func=ast.Name(id="Client" | "Role" as kind), args=[called, _, ast.Name(id=scopes)]):
                    self.added[kind] = (self.text(called), self.known[scopes])

    def text(self, node: ast.expr) -> str:
        match node:
            case ast.JoinedStr(values=values):
                return "".join(self.text(each) for each in values)
            case ast.FormattedValue(value=ast.Name(id=name)) | ast.Name(id=name):
                return str(self.known[name])
            case ast.Constant(value=value):
                return str(value)
        raise AssertionError(ast.dump(node))


def test_both_snippets_make_the_client_that_the_example_settings_need(example: Settings) -> None:
    clients, _ = (yaml.safe_load(each) for each in blocks("yaml"))
    assert list(clients) == [example.taskcluster.client_id] == [CLIENT]
    needs = needed(example)
    scopes = clients[CLIENT]["scopes"]
    assert scopes == sorted(need.scope for need in needs)
    assert beyond(scopes, needs, []) == []
    (generator,) = blocks("python")
    assert Adopted(generator).added["Client"] == (CLIENT, scopes)


def test_both_snippets_let_authors_create_tasks_for_the_builders_of_the_pool(example: Settings) -> None:
    _, (grant,) = (yaml.safe_load(each) for each in blocks("yaml"))
    (generator,) = blocks("python")
    _, scopes = Adopted(generator).added["Role"]
    pool = example.pools["linux"]
    assert grant["grant"] == scopes
    assert f"queue:create-task:highest:{pool.task_queue}" in scopes
    (prefix,) = pool.scope_prefixes
    assert satisfies(scopes, f"{prefix}linux64-opt")
    assert not satisfies(scopes, f"{prefix}mac-opt")


def test_a_client_for_the_status_page_alone_needs_what_the_readme_says() -> None:
    """The port through which the page asks Taskcluster is all that it can call."""
    from bridge.status.ports import Tasks

    asked = [name for name in vars(Tasks) if not name.startswith("_")]
    assert asked == ["status", "dependencies"]
    assert "needs `queue:status:*` and `queue:get-task:*`." in " ".join(SECTION.split())
