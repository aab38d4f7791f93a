"""Stores of several hosts: libpq and Sentinel find the one that is used, also after a failover."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import ConnectionHandler

from devmentor import env
from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.postgres import Postgres
from tests.support.processes import eventually
from tests.support.sentinel import Sentinel
from tests.support.sockets import Socket
from tests.support.stack import Templates


@pytest.fixture(scope="module")
def standby() -> Iterator[Postgres]:
    """It takes no writes, as a replica does."""
    started = Postgres(default_transaction_read_only="on")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    started = Postgres()
    yield started
    started.stop()


Reach = Callable[[str], int]


@pytest.fixture
def port_reached(monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Reach:
    """The port of the server that Django reaches by way of a DATABASE_URL."""

    def reach(address: str) -> int:
        monkeypatch.setenv("SOME_URL", address)
        settings = env.database("SOME_URL", "")
        connection = ConnectionHandler({"default": settings})["default"]
        try:
            with django_db_blocker.unblock(), connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('port')")
                return int(cursor.fetchone()[0])
        finally:
            connection.close()

    return reach


def test_of_several_hosts_the_one_that_is_there_and_takes_writes_is_used(
    primary, standby, port_reached: Reach
) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{standby.port},127.0.0.1:{primary.port}"
    assert port_reached(f"postgres://devmentor@{hosts}/postgres") == standby.port
    wanted = "target_session_attrs=read-write"
    assert port_reached(f"postgres://devmentor@{hosts}/postgres?{wanted}") == primary.port


def test_a_unix_socket_is_reached_by_either_spelling(primary, port_reached: Reach) -> None:
    folder = str(primary.folder)
    asked = f"postgres://devmentor@/postgres?host={folder}&port={primary.port}"
    assert port_reached(asked) == primary.port
    encoded = folder.replace("/", "%2F")
    assert port_reached(f"postgres://devmentor@{encoded}:{primary.port}/postgres") == primary.port


def test_events_go_on_through_a_failover_of_redis_and_the_layer_comes_back(
    templates: Templates, tmp_path: Path
) -> None:
    with ExitStack() as resources:
        sentinel = resources.enter_context(Sentinel())
        settings = {"DATABASE_URL": templates.copy("distributed"), "REDIS_URL": sentinel.url}
        gateways = [Gateway(settings, tmp_path) for _ in range(2)]
        first, second = map(resources.enter_context, gateways)
        api = Api(first.http_url, log_in(first.http_url, OWNER))
        resources.callback(api.close)
        board = Board(api)
        socket = resources.enter_context(Socket(second.ws_url, token=api.token))
        socket.join(board.id)
        eventually(lambda: layer_of(api) == "ok", 10, "the layer to be heard")
        sentinel.fail_over()
        board.add_task("Meanwhile")
        assert socket.wait_for("task:created", 5)["data"]["title"] == "Meanwhile"
        eventually(lambda: layer_of(api) == "ok", 20, "the layer to be heard again")
        board.add_task("After it")
        assert socket.wait_for("task:created", 5)["data"]["title"] == "After it"


def layer_of(api: Api) -> str:
    return str(json.loads(api.get("/ready").text)["checks"]["channelLayer"])
