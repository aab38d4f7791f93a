"""A server, a pooler or a firewall ends the database's sessions that idle: nobody is refused for that."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.stack import Templates

IDLE_SECONDS = 2
AT_ONCE = 8  # writes, each with a connection of the pool
SOON = 3.0  # and not the pool's whole time to find one


@pytest.fixture
def database(templates: Templates) -> Iterator[psycopg.Connection]:
    url = templates.copy("distributed")
    with closing(psycopg.connect(url, autocommit=True)) as found:
        name = found.info.dbname
        found.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '{IDLE_SECONDS}s'".encode())
        yield found


def sessions(database: psycopg.Connection) -> int:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
    row = database.execute(asked).fetchone()
    assert row is not None
    return int(row[0])


def test_the_first_request_after_a_pause_is_answered_at_once(
    database: psycopg.Connection, tmp_path: Path
) -> None:
    info = database.info
    url = f"postgres://{info.user}@{info.host}:{info.port}/{info.dbname}"
    with Gateway({"DATABASE_URL": url}, tmp_path) as gateway:
        api = Api(gateway.http_url, log_in(gateway.http_url, OWNER))
        with closing(api), ThreadPoolExecutor(AT_ONCE) as writers:
            board = Board(api)
            for _ in range(3):
                list(writers.map(board.add_task, map(str, range(AT_ONCE))))
                wait_for_their_end(database)
                began = time.monotonic()
                board.add_task("After a pause")
                assert time.monotonic() - began < SOON


def wait_for_their_end(database: psycopg.Connection) -> None:
    busy = sessions(database)
    eventually(lambda: sessions(database) < busy - 2, what="the server to end those that idle")
