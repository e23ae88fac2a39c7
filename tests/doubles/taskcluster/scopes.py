"""Taskcluster's scopes: a trailing `*` covers everything that starts so, roles hand on scopes, expressions ask."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Expression = str | dict[str, Any]  # a scope, {"AllOf": [Expression…]} or {"AnyOf": [Expression…]}

ANONYMOUS_SCOPES = (
    "queue:get-artifact:public/*",
    "queue:list-artifacts:*",
    "queue:get-task:*",
    "queue:status:*",
    "queue:list-task-group:*",
    "queue:get-task-group:*",
    "queue:list-dependent-tasks:*",
    "auth:current-scopes",
)


class ScopeSet:
    """An expanded set of scopes, made to answer "does it cover this one?" quickly."""

    def __init__(self, scopes: Iterable[str]) -> None:
        self.exact = frozenset(scopes)
        self._prefixes = tuple(scope[:-1] for scope in self.exact if scope.endswith("*"))

    def __iter__(self) -> Any:
        return iter(sorted(self.exact))

    def covers(self, scope: str) -> bool:
        return scope in self.exact or any(scope.startswith(prefix) for prefix in self._prefixes)

    def satisfies(self, expression: Expression) -> bool:
        return self.missing(expression) is None

    def missing(self, expression: Expression) -> Expression | None:
        """Answer the part of an expression that is not covered; None when all that is needed is there."""
        match expression:
            case str():
                return None if self.covers(expression) else expression
            case {"AllOf": parts}:
                lacking = [part for part in map(self.missing, parts) if part is not None]
                return None if not lacking else lacking[0] if len(lacking) == 1 else {"AllOf": lacking}
            case {"AnyOf": parts}:
                lacking = [part for part in map(self.missing, parts) if part is not None]
                return None if len(lacking) < len(parts) else {"AnyOf": lacking}
        raise TypeError(f"not a scope expression: {expression!r}")


def minimal(scopes: Iterable[str]) -> ScopeSet:
    """Drop the scopes that others of the set cover."""
    wanted = set(scopes)
    stems = {scope[:-1] for scope in wanted if scope.endswith("*")}
    kept = []
    for scope in wanted:
        body = scope.removesuffix("*")
        longest = len(body) if body == scope else len(body) - 1
        if not any(body[:cut] in stems for cut in range(longest + 1)):
            kept.append(scope)
    return ScopeSet(kept)


class Roles:
    """The roles of a deployment; `anonymous` is held by every caller."""

    def __init__(self, roles: Mapping[str, Iterable[str]]) -> None:
        self.scopes: dict[str, list[str]] = {"anonymous": list(ANONYMOUS_SCOPES)}
        self.scopes |= {name: list(scopes) for name, scopes in roles.items()}
        self._known: dict[frozenset[str], ScopeSet] = {}

    def put(self, name: str, scopes: list[str]) -> None:
        self.scopes[name] = scopes
        self._known.clear()

    def expand(self, scopes: Iterable[str]) -> ScopeSet:
        """Follow every `assume:…` until nothing new comes."""
        given = frozenset(scopes)
        if given not in self._known:
            self._known[given] = minimal(self._closure(given))
        return self._known[given]

    def _closure(self, given: frozenset[str]) -> set[str]:
        reached: set[str] = set()
        fresh = set(given)
        while fresh:
            reached |= fresh
            fresh = {found for scope in fresh for found in self._handed_on(scope)} - reached
        return reached

    def _handed_on(self, scope: str) -> Iterable[str]:
        for name, scopes in self.scopes.items():
            rest = _assumed(scope, name)
            if rest is not None:
                yield from (handed.replace("<..>", rest) for handed in scopes)


def _assumed(scope: str, role: str) -> str | None:
    """Answer what `<..>` of a role stands for if the scope assumes it, else None."""
    stem = "assume:" + role.removesuffix("*")
    if role.endswith("*") and scope.startswith(stem):
        return scope[len(stem) :]
    if scope == "assume:" + role:
        return ""
    if scope.endswith("*") and ("assume:" + role).startswith(scope[:-1]):
        return "*"
    return None


def written(expression: Expression) -> str:
    """Write an expression as Taskcluster's error messages do."""
    return expression if isinstance(expression, str) else json.dumps(expression, indent=2)
