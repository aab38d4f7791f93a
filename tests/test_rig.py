"""The rig itself: its failures must say what happened, or every other failure is a riddle."""

import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.api import bearer
from tests.support.boards import Board
from tests.support.engineio import Polling
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import EDITOR, OUTSIDER, OWNER, VIEWER
from tests.support.processes import NotReady, Server, eventually, free_port, run
from tests.support.raw_http import RawHttp, head
from tests.support.redis import Redis
from tests.support.sockets import Socket
from tests.support.stack import Stack, Templates


def python(code: str, log: Path, **options: Any) -> Server:
    """One that runs the code, past its first line of output."""
    server = Server([sys.executable, "-c", code], log=log, **options)
    eventually(lambda: "up" in server.tail(), what="its first line")
    return server


def test_a_gateway_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"ended with 1\n(.*\n)*.*CONNECTION_TIMEOUT='soon'"):
        Gateway({"CONNECTION_TIMEOUT": "soon"}, tmp_path).wait_ready()


UP = "from signal import *; print('up', flush=True); pause()"


def test_a_server_that_is_never_ready_is_killed_and_shows_its_log(tmp_path: Path) -> None:
    server = python(UP, tmp_path / "slow.log", ready=lambda: False, start_seconds=0.1)
    with pytest.raises(NotReady, match=r"slow was not ready after 0.1 s\n(.*\n)*up"), server:
        pass
    assert server.process.returncode == -signal.SIGKILL


def test_a_server_that_is_paused_ends_in_order_all_the_same(tmp_path: Path) -> None:
    with python(UP, tmp_path / "paused.log") as server:
        server.pause()
    assert server.process.returncode == -signal.SIGTERM


def test_a_server_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    server = python(UP.replace("*;", "*; signal(SIGTERM, SIG_IGN);"), tmp_path / "stubborn.log")
    assert server.stop(seconds=0.2) == -signal.SIGKILL


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(AssertionError, match=r"waited 0.05 s for a miracle; the last look gave 0"):
        eventually(lambda: 0, seconds=0.05, what="a miracle")


def test_no_port_is_handed_out_twice() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)


def test_two_runs_on_one_machine_take_ports_of_other_shares() -> None:
    code = "from tests.support.processes import free_port; print([free_port() for _ in range(50)])"
    others = json.loads(run([sys.executable, "-c", code], environment({})))
    assert not {free_port() for _ in range(50)} & set(others)


def test_redis_comes_back_on_its_port_and_leaves_nothing() -> None:
    redis = Redis()
    redis.client().set("key", "value")
    redis.restart()
    assert redis.client().get("key") is None
    redis.stop()
    assert not redis.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", redis.port), timeout=1)


def test_each_copy_of_the_database_is_a_database_of_its_own(templates: Templates) -> None:
    first, second = templates.copy("distributed"), templates.copy("distributed")
    assert first != second
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute("CREATE TABLE only_here (id integer)")
    with psycopg.connect(second) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM only_here")


def test_a_stack_serves_people_over_both_transports(stack: Stack) -> None:
    """A write through one gateway is seen on the other's socket and in the log."""
    board = Board(stack.api(OWNER))
    watching = stack.socket(EDITOR)
    watching.join(board.id)
    task = board.add_task("Seen by all")
    created = watching.wait_for("task:created")
    assert created["data"]["id"] == task["id"]
    assert board.events(since=created["seq"] - 1) == [created]
    assert stack.api(VIEWER).get(f"{board.path}/board/").status_code == 200
    assert stack.api(OUTSIDER).get(f"{board.path}/board/").status_code == 404


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_whoever_a_test_leaves_connected_is_noticed_with_its_name(own_stack: Stack) -> None:
    """A socket on the one gateway, a session of Engine.IO on the other, and a poll that is held."""
    own_stack.wait_left(by="nobody")
    board = Board(own_stack.api(OWNER))
    with (
        Socket(own_stack.first.ws_url),
        Polling(own_stack.second.http_url),
        RawHttp(own_stack.second.http_url) as poll,
    ):
        path = f"{board.path}/events/?since={board.seq}&wait=20000"
        poll.send(head("GET", path, poll.host, **bearer(own_stack.token(OWNER))))
        eventually(lambda: "held polls" in own_stack.second.clients(), 20, "the poll to be held")
        with pytest.raises(AssertionError) as caught:
            own_stack.wait_left(by="test_before", seconds=0.1)
    told = str(caught.value)
    assert told.startswith("left open by test_before: ")
    assert [told.count(kind) for kind in ("'sockets and sessions': 1", "'held polls': 1")] == [2, 1]
    own_stack.wait_left(by="nobody")


@pytest.mark.settings(MAX_CONNECTIONS="1")
def test_a_stack_of_ones_own_has_the_settings_asked_for(own_stack: Stack) -> None:
    own_stack.socket(OWNER, own_stack.first)
    with Socket(own_stack.first.ws_url) as one_too_many:
        assert one_too_many.wait_closed() == 4503
