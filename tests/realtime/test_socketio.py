"""socket.io-client 4.8 on the gateway's port: without these, its users lose events or never come back."""

from contextlib import ExitStack

import pytest

from tests.support.boards import Board
from tests.support.people import EDITOR, OWNER
from tests.support.socketio import SocketIOClient
from tests.support.stack import Stack

TRANSPORTS = ("polling", "websocket", "polling,websocket")


@pytest.fixture
def open_clients():
    with ExitStack() as clients:
        yield clients.enter_context


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_a_client_hears_on_one_gateway_what_is_written_on_another(
    stack: Stack, board: Board, open_clients, transports: str
) -> None:
    client = open_clients(SocketIOClient(stack.second.http_url, transports, stack.token(EDITOR)))
    assert client.event("hello")["user"]["username"] == EDITOR.username
    joined = client.emit("project:join", {"projectId": board.id})
    assert joined["projectId"] == board.id

    task = board.add_task("Heard over Socket.IO")

    envelope = client.event("task:created")
    assert envelope["data"] == task
    assert envelope == board.events(since=joined["seq"])[0]


def test_a_join_with_since_is_acknowledged_first_and_then_replayed_in_order(
    stack: Stack, board: Board, open_clients
) -> None:
    client = open_clients(SocketIOClient(stack.second.http_url, "websocket", stack.token(OWNER)))
    answer = client.emit("project:join", {"projectId": board.id, "since": 0})
    client.wait_for("event", lambda fact: fact["payload"].get("seq") == answer["seq"])
    assert client.seqs() == list(range(1, answer["seq"] + 1))
    acked = next(i for i, fact in enumerate(client.facts) if fact["is"] == "ack")
    first = next(i for i, fact in enumerate(client.facts) if "seq" in fact.get("payload", {}))
    assert acked < first


def test_errors_come_in_the_ack(stack: Stack, board: Board, open_clients) -> None:
    client = open_clients(SocketIOClient(stack.first.http_url, "websocket"))
    assert client.emit("project:join", {"projectId": board.id})["code"] == "not-found"
    assert client.emit("project:join", {"projectId": 5})["code"] == "bad-frame"
    assert client.emit("project:join", [1, 2])["code"] == "bad-frame"
    assert client.emit("no:such", {})["code"] == "unknown-event"
    assert "at" in client.emit("ping", None)


@pytest.mark.parametrize("transports", ["polling", "websocket"])
def test_a_token_that_does_not_hold_is_refused_with_its_code(
    stack: Stack, open_clients, transports: str
) -> None:
    client = open_clients(SocketIOClient(stack.first.http_url, transports, "not.a.token"))
    refused = client.wait_for("refused")
    assert refused["data"]["code"] == "unauthenticated"
    assert refused["again"] is False


@pytest.mark.parametrize("transports", ["polling", "websocket"])
def test_a_namespace_that_is_not_there_is_refused_with_a_message_and_a_code(
    stack: Stack, open_clients, transports: str
) -> None:
    client = open_clients(SocketIOClient(f"{stack.first.http_url}/admin", transports, stack.token(OWNER)))
    refused = client.wait_for("refused")
    assert (refused["message"], refused["data"]["code"]) == ("Invalid namespace", "not-found")
    assert refused["again"] is False


def test_a_client_comes_back_by_itself_after_a_restart_and_resumes(own_stack: Stack, open_clients) -> None:
    board = Board(own_stack.api(OWNER))
    gateway = own_stack.second
    client = open_clients(SocketIOClient(gateway.http_url, "websocket", own_stack.token(OWNER)))
    seq = client.emit("project:join", {"projectId": board.id})["seq"]

    gateway.stop()

    client.event("system:draining")
    assert client.wait_for("disconnect")["reason"] != "io server disconnect"
    gateway.restart()
    client.wait_for("connect", lambda _: True)
    client.wait_for("connect", lambda _: True)
    board.add_task("Written while it was away")
    client.emit("project:join", {"projectId": board.id, "since": seq})
    client.wait_for("event", lambda fact: fact["payload"].get("seq") == seq + 1)
    assert client.seqs() == [seq + 1]
