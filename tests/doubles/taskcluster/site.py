"""A whole deployment without sockets: build it, hand it requests, let its background processes run."""

from collections.abc import Iterable, Mapping

from tests.doubles.taskcluster import resolvers, routes, store_calls
from tests.doubles.taskcluster.api import Answer, Api, Deployment, Match, Request
from tests.doubles.taskcluster.credentials import ISSUER, Auth, Client, Issuer
from tests.doubles.taskcluster.identifiers import new_slug
from tests.doubles.taskcluster.ledger import Ledger, Periods
from tests.doubles.taskcluster.scopes import Roles
from tests.doubles.taskcluster.store import Store


class Site:
    """The queue, its part of the auth and object services, and the artifact store, under one root URL."""

    def __init__(
        self,
        root_url: str,
        clients: Mapping[str, Client],
        roles: Mapping[str, Iterable[str]] | None = None,
        periods: Periods | None = None,
        now: int = 0,
    ) -> None:
        issuer = Issuer(new_slug() + new_slug())
        own = {ISSUER: Client(issuer.access_token, ("*",))}
        auth = Auth(dict(clients) | own, Roles(roles or {}))
        store = Store(root_url, new_slug().encode())
        self.at = Deployment(Ledger(periods or Periods()), auth, issuer, store, now)
        self.api = Api(self.at, routes.ALL)

    @property
    def ledger(self) -> Ledger:
        return self.at.ledger

    @property
    def store(self) -> Store:
        return self.at.store

    def match(self, request: Request) -> Match | None:
        """Tell which call a request is; None for unknown paths and for the store."""
        return self.api.match(request.method, request.path)

    def handle(self, request: Request, now: int) -> Answer:
        if store_calls.serves(request.path):
            return store_calls.handle(self.store, request, now)
        return self.api.handle(request, now)

    def poll(self, now: int) -> None:
        """Let the queue's background processes do what is due."""
        resolvers.poll(self.ledger, now)
