"""Houses set `default_transaction_isolation` for a server, a database or a role; ours stays READ COMMITTED.

Who has waited for a row's lock would else be refused, since the row has changed meanwhile.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.pgbouncer import PgBouncer
from tests.support.processes import manage
from tests.support.stack import Templates

WRITERS, WRITES = 8, 40
PRINT_ISOLATION = """
import json
from django.db import connection, transaction
def isolation():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_isolation')")
        return cursor.fetchone()[0]
outside = isolation()
with transaction.atomic():
    inside = isolation()
print(json.dumps([outside, inside]))
"""


@pytest.fixture(scope="module", params=["repeatable read", "serializable"])
def strict(request: pytest.FixtureRequest, templates: Templates) -> str:
    """The address of a database that has this isolation by default, and dates that nobody can read."""
    url = templates.copy("distributed")
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in (("default_transaction_isolation", request.param), ("datestyle", "German")):
            set_default = sql.SQL("ALTER DATABASE {} SET {} = {}")
            names = sql.Identifier(connection.info.dbname), sql.Identifier(name), sql.Literal(value)
            connection.execute(set_default.format(*names))
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW transaction_isolation").fetchone() == (request.param,)
    return url


@pytest.fixture(params=["direct", "pooled"])
def database(request: pytest.FixtureRequest, strict: str) -> Iterator[str]:
    """Its address as a gateway is given it."""
    parts = urlsplit(strict)
    assert parts.port
    with ExitStack() as resources:
        pooled = request.param == "pooled"
        yield resources.enter_context(PgBouncer(parts.port)).url(parts.path[1:]) if pooled else strict


def test_people_who_write_on_one_board_at_once_are_all_answered(database: str, tmp_path: Path) -> None:
    with Gateway({"DATABASE_URL": database}, tmp_path) as gateway:
        api = Api(gateway.http_url, log_in(gateway.http_url, OWNER))
        board = Board(api)
        tasks = [board.add_task(f"{number}") for number in range(WRITERS)]

        def write(number: int) -> int:
            path = f"/api/tasks/{tasks[number % WRITERS]['id']}/"
            return api.patch(path, {"title": f"changed {number}"}).status_code

        with ThreadPoolExecutor(WRITERS) as people:
            assert set(people.map(write, range(WRITES))) == {200}
        api.close()


def test_statements_outside_of_transactions_have_it_too(strict: str) -> None:
    settings = environment({"DATABASE_URL": strict})
    printed = manage(["shell", "--verbosity", "0", "-c", PRINT_ISOLATION], settings)
    assert json.loads(printed) == ["read committed", "read committed"]
