"""The two ways to run the service: everything in one process, and spread over several.

`embedded`     SQLite file, in-process channel layer, one gateway
`distributed`  PostgreSQL, Redis, two gateways
"""

import itertools
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, log_in
from tests.support.console import Console, Outcome
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER, Person
from tests.support.postgres import Postgres
from tests.support.processes import eventually, manage, run
from tests.support.redis import Redis
from tests.support.sockets import Socket

KINDS = ("embedded", "distributed")
CROWD = """
import json, uuid
from projects.models import User
from realtime.token_families import begin
people = User.objects.bulk_create(User(username=f"crowd-{{uuid.uuid4()}}") for _ in range({count}))
print(json.dumps([begin(user)["access"] for user in people]))
"""
LEAVE_SECONDS = 10  # in which gateways notice that a test's clients have gone
TOKEN_SECONDS = 600  # tokens live 15 minutes; a session-wide stack may live longer


class Templates:
    """A migrated database with the tests' people, made once per kind of database and then copied."""

    def __init__(self, folder: Path, resources: ExitStack) -> None:
        self._folder = folder
        self._resources = resources
        self._postgres: Postgres | None = None
        self._numbers = itertools.count(1)

    def copy(self, kind: str) -> str:
        """The address of a fresh copy."""
        return self._copy_sqlite() if kind == "embedded" else self._copy_postgres()

    def _copy_sqlite(self) -> str:
        template = self._folder / "template.sqlite3"
        if not template.exists():
            seed(f"sqlite:///{template}")
        copy = self._folder / f"board-{next(self._numbers)}.sqlite3"
        shutil.copyfile(template, copy)
        return f"sqlite:///{copy}"

    def _copy_postgres(self) -> str:
        if self._postgres is None:
            self._postgres = Postgres()
            self._resources.callback(self._postgres.stop)
            seed(self._postgres.create("template"))
        return self._postgres.create(f"board_{next(self._numbers)}", template="template")


class Stack:
    """A running service: `first` and `second` are gateways, the same one where there is only one."""

    def __init__(self, kind: str, database_url: str, folder: Path, settings: dict[str, str]) -> None:
        self.kind = kind
        self.folder = folder
        self.redis = Redis() if kind == "distributed" else None
        self.settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url if self.redis else "",
            **settings,
        }
        self.gateways = [Gateway(self.settings, folder) for _ in range(1 if kind == "embedded" else 2)]
        self._tokens: dict[str, tuple[float, str]] = {}
        self.sessions: dict[str, list[Any]] = {}  # a browser's cookies after each person's first log-in
        self._console: Console | None = None
        self._open = ExitStack()
        try:
            for gateway in self.gateways:  # they start side by side
                gateway.wait_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def first(self) -> Gateway:
        return self.gateways[0]

    @property
    def second(self) -> Gateway:
        return self.gateways[-1]

    def add_gateway(self, **settings: str) -> Gateway:
        """One more gateway on the same database and channel layer; `settings` are its own environment."""
        gateway = Gateway({**self.settings, **settings}, self.folder)
        self.gateways.append(gateway)
        return gateway.wait_ready()

    def token(self, person: Person) -> str:
        made, token = self._tokens.get(person.username, (0.0, ""))
        if not token or time.monotonic() - made > TOKEN_SECONDS:
            made, token = time.monotonic(), log_in(self.first.http_url, person)
            self._tokens[person.username] = made, token
        return token

    def crowd(self, count: int) -> list[str]:
        """The tokens of so many people whom nobody has seen before."""
        tokens: list[str] = self.python(CROWD.format(count=count)).json()
        return tokens

    def wait_audited(self, *sockets: Socket) -> None:
        """Wait until the audit, which is a second behind, knows these and of no other that is open."""
        ids = {socket.frames[0]["data"]["connectionId"] for socket in sockets}

        def known() -> bool:
            records = self.console("audit_connections", "--json").json()
            return ids == {record["connectionId"] for record in records}

        eventually(known, what="the audit to know them")

    def forget_token(self, person: Person) -> None:
        """Log this person in anew when next asked."""
        self._tokens.pop(person.username, None)
        self.sessions.pop(person.username, None)

    def api(self, person: Person | None = OWNER, gateway: Gateway | None = None) -> Api:
        """A REST client of this person's (None: a guest) on a gateway, the first unless one is named."""
        api = Api((gateway or self.first).http_url, self.token(person) if person else None)
        self._open.callback(api.close)
        return api

    def socket(self, person: Person | None = OWNER, gateway: Gateway | None = None) -> Socket:
        """A WebSocket of this person's (None: a guest), past its `hello`; the second gateway's by default."""
        return self.socket_with(self.token(person) if person else None, gateway)

    def socket_with(self, token: str | None, gateway: Gateway | None = None) -> Socket:
        """The same of whoever has that token."""
        socket = Socket((gateway or self.second).ws_url, token=token)
        self._open.callback(socket.close)
        socket.wait_for("hello")
        return socket

    def manage(self, *arguments: str) -> str:
        """`python manage.py …` beside the gateways; its standard output."""
        return manage(arguments, environment(self.settings))

    def console(self, *arguments: str) -> Outcome:
        """The same in a process that stays, with its exit status: a command then costs no start."""
        return self._started_console().run(*arguments)

    def start_console(self) -> None:
        """Start the process behind `console` and `python`, where a test measures what they do."""
        self.console("check")

    def python(self, code: str) -> Outcome:
        """A few lines of Python beside the gateways, as in `manage.py shell`."""
        return self._started_console().python(code)

    def _started_console(self) -> Console:
        if self._console is None:
            self._console = Console(environment(self.settings))
        return self._console

    def wait_left(self, by: str, seconds: float = LEAVE_SECONDS) -> None:
        """Wait until nobody is connected; an AssertionError says what was left open, and `by` whom."""

        def found() -> list[dict[str, int]]:
            return [clients for gateway in self.gateways if (clients := gateway.clients())]

        try:
            eventually(lambda: not found(), seconds)
        except AssertionError:
            raise AssertionError(f"left open by {by}: {found()}") from None

    def close_clients(self) -> None:
        """Close what `api` and `socket` have opened."""
        self._open.close()
        self._open = ExitStack()

    def stop(self) -> None:
        self.close_clients()
        if self._console is not None:
            self._console.stop()
        for gateway in self.gateways:
            gateway.stop()
        if self.redis:
            self.redis.stop()


class SharedStacks:
    """Stacks that tests use one after the other, whatever their order; started when first asked for.

    begin: called with each that has been started
    """

    def __init__(
        self,
        templates: Templates,
        folders: pytest.TempPathFactory,
        begin: Callable[[Stack], object] = lambda stack: None,
    ) -> None:
        self._templates, self._folders, self._begin = templates, folders, begin
        self._running: dict[str, Stack] = {}
        self._last_test: dict[str, str] = {}

    def __enter__(self) -> "SharedStacks":
        return self

    def __exit__(self, *_: object) -> None:
        for stack in self._running.values():
            stack.stop()

    @contextmanager
    def lend(self, kind: str, test: str) -> Iterator[Stack]:
        """A stack for one test, which begins with nobody connected: whom another has left would count in it.

        Where somebody is left it fails, and the next test gets a new stack.
        """
        stack = self._running.get(kind) or self._start(kind)
        try:
            stack.wait_left(by=self._last_test.get(kind, "nobody"))
        except AssertionError:
            self._running.pop(kind).stop()
            raise
        self._last_test[kind] = test
        try:
            yield stack
        finally:
            stack.close_clients()

    def _start(self, kind: str) -> Stack:
        stack = Stack(kind, self._templates.copy(kind), self._folders.mktemp(kind), {})
        self._running[kind] = stack
        self._begin(stack)
        return stack


def seed(database_url: str) -> None:
    """Migrate a database and give it the tests' people."""
    run([sys.executable, "-m", "tests.support.seed"], environment({"DATABASE_URL": database_url}))
