"""A database that does not answer now is a 503, "try again in a moment"; a fault of ours is a 500, logged."""

import select
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, Error, IntegrityError, InterfaceError, InternalError, OperationalError
from django.db.utils import ConnectionHandler
from psycopg import errors

from realtime.outages import is_away
from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.postgres import Postgres
from tests.support.processes import run


@pytest.fixture(autouse=True)
def databases_of_their_own(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def failure_of(work: Callable[[], object]) -> Error:
    """What the work fails with, as Django hands it on."""
    with pytest.raises(Error) as failed:
        work()
    return failed.value


# --- SQLite ---------------------------------------------------------------------------------------


class Lite:
    """Django on a SQLite file of its own, with one table."""

    def __init__(self, path: Path) -> None:
        options = {"transaction_mode": "IMMEDIATE", "timeout": 0}
        engine = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
        self.connection = ConnectionHandler({"default": engine})["default"]

    def run(self, sql: str, *values: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Lite]:
    found = Lite(tmp_path / "one.sqlite3")
    found.run("CREATE TABLE kept (value BLOB)")
    yield found
    found.connection.close()


def test_a_locked_sqlite_is_away(lite: Lite, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "one.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        failure = failure_of(lambda: lite.run("BEGIN IMMEDIATE"))
    assert "locked" in str(failure)
    assert is_away(failure)


def test_a_read_that_became_too_old_to_write_is_away(lite: Lite, tmp_path: Path) -> None:
    """SQLite's own code for it is an extended one."""
    lite.run("PRAGMA journal_mode=WAL")
    lite.run("BEGIN DEFERRED")
    lite.run("SELECT * FROM kept")
    with closing(sqlite3.connect(tmp_path / "one.sqlite3", isolation_level=None)) as other:
        other.execute("INSERT INTO kept VALUES (1)")
    assert is_away(failure_of(lambda: lite.run("INSERT INTO kept VALUES (2)")))


def test_a_sqlite_file_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    assert is_away(failure_of(lambda: Lite(tmp_path / "no-such-folder" / "one.sqlite3").run("SELECT 1")))


@pytest.mark.parametrize("sql", ["SELECT * FROM forgotten", "SELECT forgotten FROM kept", "SELEKT 1"])
def test_a_forgotten_migration_is_a_fault(lite: Lite, sql: str) -> None:
    failure = failure_of(lambda: lite.run(sql))
    assert isinstance(failure, OperationalError)  # the very class of a locked file
    assert not is_away(failure)


def test_a_full_disk_is_a_fault(lite: Lite) -> None:
    lite.run("PRAGMA max_page_count=3")
    failure = failure_of(lambda: lite.run("INSERT INTO kept VALUES (zeroblob(100000))"))
    assert "full" in str(failure)
    assert not is_away(failure)


def test_a_value_that_sqlite_does_not_know_is_a_fault(lite: Lite) -> None:
    assert not is_away(failure_of(lambda: lite.run("SELECT %s", object())))


# --- PostgreSQL -----------------------------------------------------------------------------------


class Session:
    """Django on a database of that server, with its own settings for the session."""

    def __init__(
        self, server: Postgres, database: str = "postgres", pool: Any = None, **session: str
    ) -> None:
        settings = " ".join(f"-c {name}={value}" for name, value in session.items())
        options = {"connect_timeout": 5, "options": settings, **({"pool": pool} if pool else {})}
        engine = {"ENGINE": "django.db.backends.postgresql", "NAME": database, "USER": "devmentor"}
        address = {"HOST": "127.0.0.1", "PORT": str(server.port), "OPTIONS": options}
        self.connection = ConnectionHandler({"default": {**engine, **address}})["default"]

    def run(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.connection.close_pool()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    found = Postgres(max_connections="6", superuser_reserved_connections="1")
    with psycopg.connect(found.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("CREATE ROLE visitor LOGIN")
    yield found
    found.stop()


def test_a_session_that_the_server_has_ended_is_away(server: Postgres) -> None:
    with Session(server) as session, psycopg.connect(server.url("postgres"), autocommit=True) as other:
        session.run("SELECT 1")
        pid = session.connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert is_away(failure_of(lambda: session.run("SELECT 1")))  # 57P01
        assert is_away(failure_of(lambda: session.run("SELECT 1")))  # and then: the connection is closed


def test_a_transaction_that_stood_still_is_away(server: Postgres) -> None:
    with Session(server, idle_in_transaction_session_timeout="50ms") as session:
        session.run("BEGIN")
        told, _, _ = select.select([session.connection.connection.fileno()], [], [], 10)
        assert told
        assert is_away(failure_of(lambda: session.run("SELECT 1")))


def test_a_server_that_takes_no_writes_is_away(server: Postgres) -> None:
    with Session(server, default_transaction_read_only="on") as session:
        assert is_away(failure_of(lambda: session.run("INSERT INTO kept VALUES (1)")))


def test_a_lock_that_is_not_given_and_a_statement_that_takes_too_long_are_away(server: Postgres) -> None:
    with psycopg.connect(server.url("postgres")) as holder:
        holder.execute("LOCK TABLE kept")
        with Session(server, lock_timeout="50ms") as session:
            assert is_away(failure_of(lambda: session.run("SELECT * FROM kept")))
        with Session(server, statement_timeout="50ms") as session:
            assert is_away(failure_of(lambda: session.run("SELECT * FROM kept")))


def test_a_pool_whose_connections_are_all_in_use_is_away(server: Postgres) -> None:
    with Session(server, pool={"min_size": 1, "max_size": 1, "timeout": 0.2}) as session:
        session.run("SELECT 1")
        other = session.connection.copy()
        assert is_away(failure_of(other.ensure_connection))


def test_a_server_with_no_place_left_is_away(server: Postgres) -> None:
    with ExitStack() as resources:
        for _ in range(5):
            resources.enter_context(psycopg.connect(server.url("postgres"), user="visitor"))
        session = resources.enter_context(Session(server))
        session.connection.settings_dict["USER"] = "visitor"
        assert is_away(failure_of(session.connection.ensure_connection))


def test_a_forgotten_migration_on_postgresql_is_a_fault(server: Postgres) -> None:
    with Session(server) as session:
        assert not is_away(failure_of(lambda: session.run("SELECT * FROM forgotten")))
        assert not is_away(failure_of(lambda: session.run("SELECT forgotten FROM kept")))


def test_a_server_that_is_gone_is_away() -> None:
    server = Postgres()
    with Session(server) as session:
        session.run("SELECT 1")
        server.stop()
        assert is_away(failure_of(lambda: session.run("SELECT 1")))
        session.connection.close()
        assert is_away(failure_of(session.connection.ensure_connection))


def caused(failure: Exception, cause: Exception) -> Exception:
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    "failure,away",
    [
        (OperationalError("gone"), True),
        (InterfaceError("closed"), True),
        (caused(OperationalError("x"), errors.ConnectionFailure()), True),
        (caused(OperationalError("x"), errors.CrashShutdown()), True),
        (caused(OperationalError("x"), errors.CannotConnectNow()), True),
        (caused(OperationalError("x"), errors.IdleSessionTimeout()), True),
        (caused(OperationalError("x"), errors.DeadlockDetected()), True),
        (caused(OperationalError("x"), errors.SerializationFailure()), True),
        (caused(OperationalError("x"), errors.TooManyConnections()), True),
        (caused(OperationalError("x"), errors.DiskFull()), False),
        (caused(OperationalError("x"), errors.OutOfMemory()), False),
        (caused(IntegrityError("x"), errors.UniqueViolation()), False),
        (caused(InternalError("x"), errors.IdleInTransactionSessionTimeout()), True),
        (caused(InternalError("x"), errors.InFailedSqlTransaction()), False),
        (DatabaseError("Save with update_fields did not affect any rows."), False),
        (ValueError("a fault of ours"), False),
        (None, False),
    ],
)
def test_what_counts_as_a_database_that_does_not_answer(failure: Any, away: bool) -> None:
    assert is_away(failure) is away


# --- Over HTTP ------------------------------------------------------------------------------------


class Service:
    """One gateway on a database of its own, which the test may spoil with `execute`."""

    def __init__(self, choice: str, folder: Path, resources: ExitStack) -> None:
        if choice == "postgresql":
            postgres = Postgres()
            resources.callback(postgres.stop)
            self.url = postgres.create("board")
        else:
            self.path = folder / "board.sqlite3"
            self.url = f"sqlite:///{self.path}"
        found = {"DATABASE_URL": self.url, "DEBUG": "false"}
        run([sys.executable, "-m", "tests.support.seed"], environment(found))
        self.gateway = Gateway(found, folder).wait_ready()
        resources.callback(self.gateway.stop)
        self.api = Api(self.gateway.http_url, log_in(self.gateway.http_url, OWNER))
        resources.callback(self.api.close)

    def execute(self, sql: str) -> None:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                connection.execute(sql)
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(sql)


@pytest.mark.logs_errors("realtime_event")  # the table
@pytest.mark.parametrize("choice", ["sqlite", "postgresql"])
def test_a_table_that_is_missing_is_a_500_with_a_trace_in_the_log(choice: str, tmp_path: Path) -> None:
    """An operator must learn of it, and no client be asked to try again for ever."""
    with ExitStack() as resources:
        service = Service(choice, tmp_path, resources)
        board = Board(service.api)
        service.execute("ALTER TABLE realtime_event RENAME TO away")
        polled = service.api.get(f"{board.path}/events/")
        written = service.api.post(f"{board.path}/tasks/", {"title": "Lost"})
        for answer in (polled, written):
            assert (answer.status_code, answer.json()["code"]) == (500, "internal"), answer.text
            assert "retry-after" not in answer.headers
            assert answer.headers["content-type"].startswith("application/problem+json")
        log = service.gateway.log.read_text()
        assert log.count("Traceback") >= 2
        assert "does not answer" not in log
        service.execute("ALTER TABLE away RENAME TO realtime_event")
        board.add_task()
