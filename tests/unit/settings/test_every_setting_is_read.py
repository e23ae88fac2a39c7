"""A setting that nothing reads is a promise that is not kept: each is read by code outside of the settings' own listing.

Found by reading the code, with as much of types as that needs: `settings` is the root, sections are followed through
attributes, subscripts, loops, assignments and annotated parameters.
"""

# ruff: noqa: N815 - the names that ast.NodeVisitor calls
import ast
import typing
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from bridge.settings import Settings
from tests.unit.settings.walk import models, section, table

ROOT = Path(__file__).parents[3]
LISTINGS = {"shown.py", "words.py", "loading.py"}  # they treat all settings alike
SECTIONS = {model.__name__: model for model in models()}

Known = type[BaseModel] | tuple[str, type[BaseModel]] | None
"""What an expression is: a section, a table of sections (`"table"`), the pairs of one (`"items"`), its values, or unknown."""
Read = tuple[str, str]


class Reader(ast.NodeVisitor):
    """Collects (section, attribute) of every read of a section in one module."""

    def __init__(self) -> None:
        self.reads: set[Read] = set()
        self.scopes: list[dict[str, Known]] = [{"settings": Settings}]
        self.owner: type[BaseModel] | None = None

    def known(self, node: ast.expr) -> Known:
        match node:
            case ast.Name(id=name):
                return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)
            case ast.Attribute(value=value, attr=attr):
                return self.attribute(self.known(value), attr)
            case ast.Subscript(value=value):
                return self.inside(self.known(value), "table")
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in {"items", "values"}:
                held = self.inside(self.known(value), "table")
                return (attr, held) if isinstance(held, type) else None
            case ast.Call(func=ast.Name(id=name)):
                return SECTIONS.get(name)
            case _:
                return None

    def attribute(self, held: Known, attr: str) -> Known:
        if isinstance(held, type):
            self.reads.add((held.__name__, attr))
            field = held.model_fields.get(attr)
            inner = table(field.annotation) if field else None
            return section(field.annotation) if field and not inner else (("table", inner) if inner else None)
        return Settings if attr == "settings" else None

    @staticmethod
    def inside(held: Known, kind: str) -> Known:
        return held[1] if isinstance(held, tuple) and held[0] == kind else None

    def bind(self, target: ast.expr, held: Known) -> None:
        match target:
            case ast.Name(id=name):
                self.scopes[-1][name] = held
            case ast.Tuple(elts=[_, ast.Name(id=name)]) if inner := self.inside(held, "items"):
                self.scopes[-1][name] = inner

    def loop(self, target: ast.expr, over: ast.expr) -> None:
        held = self.known(over)
        self.bind(target, held if self.inside(held, "items") else self.inside(held, "values"))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self.owner = self.owner, SECTIONS.get(node.name)
        self.generic_visit(node)
        self.owner = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scopes.append({})
        for arg in [*node.args.args, *node.args.kwonlyargs]:
            for name in ast.walk(arg.annotation) if arg.annotation else ():
                if isinstance(name, ast.Name | ast.Attribute):
                    text = name.id if isinstance(name, ast.Name) else name.attr
                    self.scopes[-1] |= {arg.arg: SECTIONS[text]} if text in SECTIONS else {}
        if node.args.args and node.args.args[0].arg == "self" and self.owner:
            self.scopes[-1]["self"] = self.owner
        self.generic_visit(node)
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self.bind(target, self.known(node.value))
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self.loop(node.target, node.iter)
        self.generic_visit(node)

    def visit_comprehensions(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.scopes.append({})
        for each in node.generators:
            self.loop(each.target, each.iter)
        self.generic_visit(node)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_comprehensions

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            self.known(node)
        self.generic_visit(node)


def reads(*, inside: bool) -> set[Read]:
    """All reads of sections by production code: by the settings package itself, or by the rest."""
    found: set[Read] = set()
    for folder in ("bridge", "listeners", "reflector"):
        for path in (ROOT / folder).rglob("*.py"):
            own = path.parent == ROOT / "bridge" / "settings"
            if own == inside and not (own and path.name in LISTINGS):
                reader = Reader()
                reader.visit(ast.parse(path.read_text()))
                found |= reader.reads
    return found


def offered() -> Iterator[Read]:
    """Methods and properties of the sections: reading a setting there is nothing unless somebody asks for the result."""
    for model in models():
        for name, member in vars(model).items():
            if not name.startswith(("_", "model_", "settings_customise")) and (
                isinstance(member, property | cached_property) or type(member).__name__ == "function"
            ):
                yield model.__name__, name


def test_every_setting_is_read() -> None:
    read = reads(inside=True) | reads(inside=False)
    every = {(model.__name__, name) for model in models() for name in model.model_fields}
    unread = sorted(".".join(each) for each in every - read)
    assert not unread, "\n".join(unread)


def test_what_the_sections_offer_is_used() -> None:
    unused = sorted(".".join(each) for each in set(offered()) - reads(inside=False) - reads(inside=True))
    assert not unused, "\n".join(unused)
    outside = {model for model, _ in reads(inside=False)}
    assert {"Settings", "TaskclusterSettings", "PoolSettings", "BuildbotSettings"} <= outside


def test_a_setting_that_is_only_declared_counts_as_not_read() -> None:
    reader = Reader()
    reader.visit(
        ast.parse(
            "def f(settings, web: WebSettings):\n"
            "    pools = settings.pools\n"
            "    for name, pool in pools.items():\n        pool.limits.depth\n"
            "    [b.url for b in settings.buildbots.values()]\n"
            "    web.host\n    request.port\n    settings.web.port = 1\n"
        )
    )
    assert reader.reads - {("Settings", "pools"), ("Settings", "buildbots"), ("Settings", "web")} == {
        ("PoolSettings", "limits"),
        ("LimitsSettings", "depth"),
        ("BuildbotSettings", "url"),
        ("WebSettings", "host"),
    }
    assert typing.get_type_hints(Settings)["web"].__name__ == "WebSettings"
