"""The two ways to run the service, as fixtures: everything in one process, and spread over several.

`embedded`     SQLite file, in-process channel layer, one gateway
`distributed`  PostgreSQL, Redis, two gateways
"""

import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, log_in
from tests.support.boards import Board
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
from realtime.api import pair
people = User.objects.bulk_create(User(username=f"crowd-{{uuid.uuid4()}}") for _ in range({count}))
print(json.dumps([pair(user)["access"] for user in people]))
"""
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

    def python(self, code: str) -> Outcome:
        """A few lines of Python beside the gateways, as in `manage.py shell`."""
        return self._started_console().python(code)

    def _started_console(self) -> Console:
        if self._console is None:
            self._console = Console(environment(self.settings))
        return self._console

    def close_clients(self) -> None:
        """Close what `api` and `socket` have opened."""
        self._open.close()
        self._open = ExitStack()

    def tail(self) -> str:
        return "\n".join(gateway.tail() for gateway in self.gateways)

    def stop(self) -> None:
        self.close_clients()
        if self._console is not None:
            self._console.stop()
        for gateway in self.gateways:
            gateway.stop()
        if self.redis:
            self.redis.stop()


def seed(database_url: str) -> None:
    """Migrate a database and give it the tests' people."""
    run([sys.executable, "-m", "tests.support.seed"], environment({"DATABASE_URL": database_url}))


@pytest.fixture(scope="session")
def templates() -> Iterator[Templates]:
    with ExitStack() as resources:
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="devmentor-"))
        yield Templates(Path(folder), resources)


@pytest.fixture(scope="session")
def _running(templates: Templates) -> Iterator[dict[str, Stack]]:
    """The session's stacks, started when first asked for and kept, whatever the order of the tests."""
    running: dict[str, Stack] = {}
    yield running
    for stack in running.values():
        stack.stop()


@pytest.fixture(params=KINDS)
def stack(
    request: pytest.FixtureRequest,
    templates: Templates,
    _running: dict[str, Stack],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """A stack that all tests share: make a board of your own on it, leave its gateways and switches alone."""
    kind: str = request.param
    if kind not in _running:
        _running[kind] = Stack(kind, templates.copy(kind), tmp_path_factory.mktemp(kind), {})
    yield _running[kind]
    _running[kind].close_clients()


@pytest.fixture(params=KINDS)
def own_stack(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[Stack]:
    """A stack for this test alone, to throw switches and end processes on.

    `@pytest.mark.settings(RATE_LIMIT_ENABLED="true")` sets its gateways' environment.
    """
    kind: str = request.param
    marker = request.node.get_closest_marker("settings")
    started = Stack(kind, templates.copy(kind), tmp_path, dict(marker.kwargs) if marker else {})
    yield started
    started.stop()


@pytest.fixture
def board(stack: Stack) -> Board:
    """A new board on the shared stack."""
    return Board(stack.api(OWNER))


@pytest.fixture
def own_board(own_stack: Stack) -> Board:
    """A new board on the test's own stack."""
    return Board(own_stack.api(OWNER))
