"""A pooler that lends its connections out by transaction stands between the gateways and PostgreSQL."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from realtime.protocol import CloseCode
from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.pgbouncer import PgBouncer
from tests.support.processes import eventually, manage
from tests.support.sockets import Socket
from tests.support.stack import Templates

LOCK_SECONDS = 5
BOUNDS = "SELECT " + ", ".join(
    f"current_setting('{name}')"
    for name in ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout")
)
IN_A_TRANSACTION = f"""
import json
from django.db import connection, transaction
def bounds():
    with connection.cursor() as cursor:
        cursor.execute("{BOUNDS}")
        return cursor.fetchone()
outside = bounds()
with transaction.atomic():
    inside = bounds()
    with transaction.atomic():
        nested = bounds()
print(json.dumps([inside, nested, outside]))
"""

IN_A_GATEWAY = "import devmentor.asgi"
OF_REQUESTS = ["5s", "10s", "15s"]


@pytest.fixture(scope="module")
def direct(templates: Templates) -> str:
    """The address of the database itself."""
    return templates.copy("distributed")


@pytest.fixture(scope="module")
def pooled(direct: str) -> Iterator[str]:
    """The address of the same database by way of the pooler."""
    parts = urlsplit(direct)
    assert parts.port
    with PgBouncer(parts.port) as pooler:
        yield pooler.url(parts.path[1:])


@pytest.fixture(scope="module")
def api(pooled: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with Gateway({"DATABASE_URL": pooled}, tmp_path_factory.mktemp("gateway")) as gateway:
        api = Api(gateway.http_url, log_in(gateway.http_url, OWNER))
        yield api
        api.close()


def test_a_gateway_behind_a_pooler_serves(api: Api, pooled: str, tmp_path: Path) -> None:
    board = Board(api)
    with (
        Gateway({"DATABASE_URL": pooled}, tmp_path) as other,
        Socket(other.ws_url, token=api.token) as socket,
    ):
        socket.join(board.id)
        task = board.add_task("Behind a pooler")
        assert socket.wait_for("task:created")["data"]["id"] == task["id"]
        assert [event["event"] for event in board.events()][-1] == "task:created"


def test_bounds_on_locks_hold_in_each_transaction_and_are_carried_into_no_other_session(
    direct: str, pooled: str
) -> None:
    """What a session sets would stay on a connection that the pooler lends to another program next."""
    inside, nested, outside = seen(pooled, IN_A_GATEWAY)
    assert (inside, nested, outside) == (OF_REQUESTS, OF_REQUESTS, ["0", "0", "0"])
    with psycopg.connect(pooled, autocommit=True) as stranger:
        assert stranger.execute(BOUNDS).fetchone() == ("0", "0", "0")


def test_without_a_pooler_they_hold_outside_of_transactions_too(direct: str) -> None:
    assert seen(direct, IN_A_GATEWAY) == [OF_REQUESTS] * 3


def test_what_a_command_asks_may_take_as_long_as_it_takes(direct: str) -> None:
    """A migration or a backup is no request, for which somebody waits."""
    assert seen(direct) == [["5s", "10s", "0"]] * 3


def seen(database: str, before: str = "") -> list[list[str]]:
    """The bounds in a transaction, in one inside it, and outside of both; `before` is run first."""
    printed = manage(
        ["shell", "--verbosity", "0", "-c", before + IN_A_TRANSACTION],
        environment({"DATABASE_URL": database}),
    )
    found: list[list[str]] = json.loads(printed)
    return found


def test_a_board_that_stays_locked_is_answered_within_the_bound(api: Api, direct: str) -> None:
    board = Board(api)
    with psycopg.connect(direct) as holder:
        holder.execute("SELECT 1 FROM realtime_roomhead WHERE room = %s FOR UPDATE", [f"project:{board.id}"])
        begun = time.monotonic()
        answer = api.post(f"/api/projects/{board.id}/tasks/", {"title": "T"})
        seconds = time.monotonic() - begun
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert LOCK_SECONDS - 1 < seconds < LOCK_SECONDS + 2
    board.add_task("Free again")


def test_operators_read_and_write_behind_a_pooler(pooled: str) -> None:
    settings = environment({"DATABASE_URL": pooled})
    manage(["strict", "on"], settings)
    assert "on" in manage(["strict", "status"], settings)
    manage(["strict", "off"], settings)
    assert json.loads(manage(["audit_connections", "--json", "--all"], settings)) is not None
    manage(["migrate", "--check"], settings)


def test_a_gateway_ends_while_its_database_hangs(direct: str, tmp_path: Path) -> None:
    """Its threads wait for answers on connections that are alive: nothing else would ever end them."""
    parts = urlsplit(direct)
    assert parts.port
    with (
        PgBouncer(parts.port) as pooler,
        Gateway({"DATABASE_URL": pooler.url(parts.path[1:])}, tmp_path) as gateway,
        Socket(gateway.ws_url, token=log_in(gateway.http_url, OWNER)) as socket,
    ):
        ready = f"{gateway.http_url}/ready"
        pooler.pause()
        try:
            eventually(lambda: httpx.get(ready).status_code == 503, seconds=10, what="it to hang")
            gateway.process.send_signal(signal.SIGTERM)
            assert socket.wait_closed() == CloseCode.RESTART
            assert gateway.process.wait(timeout=12) == 0
        finally:
            pooler.resume()
