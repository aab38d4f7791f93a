"""A gateway on a PostgreSQL that its test may stop, lock and look into."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg

from tests.support.api import Api, bearer, log_in
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.postgres import Postgres
from tests.support.processes import manage, run
from tests.support.stack import CROWD


class Service:
    """One gateway on a PostgreSQL of its own, or on that of another."""

    def __init__(
        self, folder: Path, resources: ExitStack, *, beside: "Service | None" = None, **settings: str
    ) -> None:
        if beside is None:
            self.postgres = Postgres()
            resources.callback(self.postgres.stop)
            self.url = self.postgres.create("board")
            run([sys.executable, "-m", "tests.support.seed"], environment({"DATABASE_URL": self.url}))
        else:
            self.postgres, self.url = beside.postgres, beside.url
        self._settings = {
            "DATABASE_URL": self.url,
            "DEBUG": "false",
            "TRUSTED_PROXIES": "127.0.0.1",
            **settings,
        }
        self._resources = resources
        self.gateway = Gateway(self._settings, folder).wait_ready()
        resources.callback(self.gateway.stop)
        self.web = httpx.Client(base_url=self.gateway.web_url, timeout=40)
        resources.callback(self.web.close)
        self.api = Api(self.gateway.http_url, log_in(self.gateway.http_url, OWNER))
        resources.callback(self.api.close)

    def strangers(self, count: int) -> list[httpx.Client]:
        """Clients of so many people, each at an address of their own.

        They may not write on a public board, and what they try there waits for the board all the same.
        """
        code = CROWD.format(count=count)
        tokens = json.loads(manage(["shell", "--verbosity", "0", "-c", code], environment(self._settings)))
        return [self._stranger(token, f"198.51.100.{number}") for number, token in enumerate(tokens)]

    def _stranger(self, token: str, address: str) -> httpx.Client:
        headers = bearer(token, **{"X-Forwarded-For": address})
        client = httpx.Client(base_url=self.gateway.http_url, headers=headers, timeout=40)
        return self._resources.enter_context(client)

    def count_sessions(self, condition: str) -> int:
        """How many of the server's sessions are so, as pg_stat_activity has them."""
        with psycopg.connect(self.postgres.url("postgres")) as connection:
            query = f"SELECT count(*) FROM pg_stat_activity WHERE {condition}"
            (found,) = connection.execute(query).fetchone() or (0,)
        return int(found)
