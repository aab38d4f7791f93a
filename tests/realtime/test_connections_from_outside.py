"""The audit, the leases and the age of connections with real processes that die, pause and stop."""

import signal
from collections import Counter
from typing import Any

import psycopg
import pytest

from tests.support.api import answered
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.socketio import SocketIOClient
from tests.support.stack import Stack

DEAD_SECONDS = 15  # a lease of 6 s, looks every 2 s, and room for a busy machine
distributed = pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
embedded = pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)


def audited(stack: Stack, *flags: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.console("audit_connections", "--json", *flags).json()
    return found


def by_port(stack: Stack, *flags: str) -> Counter[str]:
    """The connections per gateway, those of a gateway under its log's name."""
    names = {str(gateway.process.pid): gateway.name for gateway in stack.gateways}
    return Counter(names[row["gateway"].split("-")[-2]] for row in audited(stack, *flags))


def rows(stack: Stack, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.settings["DATABASE_URL"]) as connection:
        return connection.execute(statement).fetchall()


def open_rows(stack: Stack) -> int:
    return int(rows(stack, "SELECT count(*) FROM realtime_connectionrecord WHERE closed_at IS NULL")[0][0])


def expired_leases(gateway: Gateway) -> float:
    return read_metric(gateway.http_url, "gateway_leases_expired_total")


@pytest.mark.parametrize("own_stack", ["embedded", "distributed"], indirect=True)
def test_an_operator_sees_who_is_connected_how_and_where(own_stack: Stack, own_board: Board) -> None:
    socket, guest = own_stack.socket(EDITOR), own_stack.socket(None)
    socket.join(own_board.id)
    with SocketIOClient(own_stack.first.http_url, "websocket", own_stack.token(VIEWER)) as client:
        client.event("hello")
        client.emit("project:join", {"projectId": own_board.id})
        seen = eventually(
            lambda: {row["user"]: row for row in complete(audited(own_stack))}, what="three connections"
        )
    assert (seen[EDITOR.username]["transport"], seen[VIEWER.username]["transport"]) == (
        "websocket",
        "socketio",
    )
    assert seen[EDITOR.username]["rooms"] == seen[VIEWER.username]["rooms"] == [own_board.id]
    assert (seen[None]["rooms"], seen[None]["address"]) == ([], "127.0.0.1")
    assert seen[EDITOR.username]["framesIn"] >= 1
    assert seen[VIEWER.username]["framesOut"] >= 1
    guest.close()
    eventually(lambda: None not in {row["user"] for row in audited(own_stack)}, what="the guest to be gone")
    codes = {row["user"]: row["closeCode"] for row in audited(own_stack, "--all")}
    assert codes[None] == 1000


def complete(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    joined = sum(bool(row["rooms"]) for row in found)
    return found if len(found) == 3 and joined == 2 else []


@distributed
def test_the_connections_of_a_gateway_that_was_killed_are_closed_off(
    own_stack: Stack, own_board: Board
) -> None:
    survivor, victim = own_stack.first, own_stack.second
    watching = own_stack.socket(OWNER, survivor)
    watching.join(own_board.id)
    for person in (EDITOR, VIEWER):
        own_stack.socket(person, victim).join(own_board.id)
    eventually(
        lambda: by_port(own_stack) == {survivor.name: 1, victim.name: 2}, seconds=10, what="three rows"
    )
    eventually(lambda: {EDITOR.username, VIEWER.username} <= joined(watching), what="presence of both")

    victim.kill()

    dead = "SELECT close_reason FROM realtime_connectionrecord WHERE close_code = 1006"
    eventually(lambda: len(rows(own_stack, dead)) == 2, seconds=DEAD_SECONDS, what="its rows to be closed")
    assert {reason for (reason,) in rows(own_stack, dead)} == {"its gateway died"}
    assert by_port(own_stack) == {survivor.name: 1}
    assert expired_leases(survivor) == 1
    left = watching.wait_for("presence:left")  # and not 30 s later
    assert {user["username"] for user in left["data"]["users"]} == {EDITOR.username, VIEWER.username}
    assert "Closed off 0 connections" in own_stack.console("cleanup_connections").out


def joined(socket: Any) -> set[str]:
    if socket.unread or not socket.frames:
        socket.next()
    socket.request("ping")
    return {
        user["username"]
        for frame in socket.frames
        if frame["event"] == "presence:joined"
        for user in frame["data"]["users"]
    }


@distributed
def test_a_gateway_that_was_only_paused_shows_its_sockets_again(own_stack: Stack) -> None:
    survivor, paused = own_stack.first, own_stack.second
    socket = own_stack.socket(EDITOR, paused)
    own_stack.socket(OWNER, survivor)
    eventually(lambda: open_rows(own_stack) == 2, seconds=10, what="two rows")

    paused.pause()
    eventually(lambda: expired_leases(survivor) == 1, seconds=DEAD_SECONDS, what="its lease to be ended")
    assert by_port(own_stack) == {survivor.name: 1}
    paused.resume()

    eventually(lambda: open_rows(own_stack) == 2, seconds=10, what="the rows to be open again")
    assert by_port(own_stack) == {survivor.name: 1, paused.name: 1}
    assert socket.request("ping")["event"] == "ack"
    row = next(row for row in audited(own_stack) if row["user"] == EDITOR.username)
    assert (row["closeCode"], row["closeReason"]) == (None, None)
    ended = "SELECT count(*) FROM realtime_gatewayprocess WHERE ended_at IS NULL"
    assert rows(own_stack, ended) == [(2,)]


@pytest.mark.parametrize("own_stack", ["embedded", "distributed"], indirect=True)
@pytest.mark.parametrize(
    "how, code",
    [(signal.SIGTERM, 1012), (signal.SIGHUP, 1012), (signal.SIGINT, 1001)],
    ids=["drain", "terminal closed", "Ctrl-C"],
)
def test_a_gateway_that_is_stopped_leaves_nothing_to_close_off(
    own_stack: Stack, how: signal.Signals, code: int
) -> None:
    gateway = own_stack.second
    sockets = [own_stack.socket(person, gateway) for person in (OWNER, EDITOR, None)]
    eventually(lambda: len(audited(own_stack)) == 3, seconds=10, what="three rows")
    gateway.process.send_signal(how)
    assert [socket.wait_closed(seconds=10) for socket in sockets] == [code] * 3
    assert gateway.process.wait(timeout=15) == 0
    found = audited(own_stack, "--all")
    assert [(row["closeCode"], row["closeReason"]) for row in found] == [
        (code, "this gateway stops, another takes over")
    ] * 3
    assert audited(own_stack) == []
    assert "0 dead gateways" in own_stack.console("cleanup_connections").out


# --- The age of connections -----------------------------------------------------------------------


@embedded
@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.settings(MAX_CONNECTION_AGE="3000")
def test_a_connection_ends_when_it_is_old_and_its_client_comes_back_without_a_loss(
    own_stack: Stack, own_board: Board, transport: str
) -> None:
    socket = own_stack.socket(EDITOR)
    last = socket.join(own_board.id)["seq"]
    with SocketIOClient(own_stack.first.http_url, transport, own_stack.token(VIEWER)) as client:
        client.event("hello")
        assert socket.wait_closed(seconds=10) == 1012
        assert client.wait_for("disconnect")["reason"] == "transport close"
        client.event("hello")  # socket.io-client comes back by itself
    own_board.add_task("Meanwhile")
    back = own_stack.socket(EDITOR)
    back.join(own_board.id, since=last)
    assert back.wait_for_seq(last + 1)["event"] == "task:created"
    codes = [(row["closeCode"], row["closeReason"]) for row in audited(own_stack, "--all")]
    assert codes.count((1012, "this connection is as old as one may get: come back")) >= 2


# --- The age of events ----------------------------------------------------------------------------


@distributed
@pytest.mark.settings(EVENT_RETENTION_DAYS="30", EVENT_RETENTION_MINIMUM="5")
def test_what_was_trimmed_is_told_to_pollers_and_to_sockets(own_stack: Stack, own_board: Board) -> None:
    for number in range(10):
        own_board.add_task(f"Task {number}")
    head = own_board.seq
    with psycopg.connect(own_stack.settings["DATABASE_URL"]) as connection:
        connection.execute("UPDATE realtime_event SET at = at - interval '31 days'")
    live = own_stack.socket(EDITOR)
    live.join(own_board.id)

    assert f"Trimmed {head - 5} events" in own_stack.console("trim_events").out

    for since in (0, head - 6):
        gone = own_board.owner.get(f"{own_board.path}/events/", params={"since": since})
        assert answered(gone, 410)["code"] == "history-trimmed"
        answer = own_stack.socket(VIEWER).request("project:join", {"projectId": own_board.id, "since": since})
        assert (answer["event"], answer["data"]["code"]) == ("error", "history-trimmed")
    assert [event["seq"] for event in own_board.events(since=head - 5)] == list(range(head - 4, head + 1))
    back = own_stack.socket(VIEWER)
    back.join(own_board.id, since=head - 5)
    back.wait_for_seq(head)
    own_board.add_task("After the trimming")
    for socket in (live, back):
        socket.wait_for_seq(head + 1)
    assert back.seqs() == list(range(head - 4, head + 2))
