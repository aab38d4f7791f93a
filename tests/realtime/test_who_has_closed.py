"""What the audit and the metrics say of the end of a connection: who closed it, and why."""

from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.realtime.wire import RawSocket
from tests.support.engineio import Polling, websocket
from tests.support.metrics import read_metric
from tests.support.processes import eventually
from tests.support.stack import Stack

embedded = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
TEXT, CLOSE = 1, 8
BAD_OPCODE = 3


def ending_of(stack: Stack, agent: str) -> dict[str, Any]:
    """The record of the one connection of that agent, once it is closed."""

    def found() -> list[dict[str, Any]]:
        records = stack.console("audit_connections", "--json", "--all").json()
        return [one for one in records if one["agent"] == agent and one["closeCode"] is not None]

    return eventually(found, what="the record of the end")[0]


def closes(stack: Stack, code: int) -> float:
    return read_metric(stack.first.http_url, f'websocket_closes_total{{code="{code}"}}')


@embedded
@pytest.mark.parametrize(
    "opcode, payload, code, why",
    [
        (BAD_OPCODE, b"", 1002, "invalid opcode"),
        (TEXT, b"\xff", 1007, "text is UTF-8"),
        (TEXT, b"x" * 65_000 + b"x" * 535 + b"xx", 1009, "exceeds limit"),
    ],
    ids=["opcode", "text", "size"],
)
def test_who_breaks_the_protocol_was_closed_by_us(
    stack: Stack, opcode: int, payload: bytes, code: int, why: str
) -> None:
    """An operator looks there for what is wrong with a client: "closed by the client" leads nowhere."""
    agent = f"breaks {code}"
    before = closes(stack, code)
    with RawSocket(stack.first.ws_url, {"User-Agent": agent}) as socket:
        send_large(socket, opcode, payload)
        assert socket.close_code() == code
    record = ending_of(stack, agent)
    assert record["closeCode"] == code
    assert why in record["closeReason"]
    assert closes(stack, code) == before + 1


def send_large(socket: RawSocket, opcode: int, payload: bytes) -> None:
    """In two parts where one does not hold it."""
    if len(payload) < 65_536:
        socket.send(opcode, payload)
        return
    socket.send(opcode, payload[:60_000], final=False)
    socket.send(0, payload[60_000:])


@embedded
@pytest.mark.parametrize("code", [1009, 1012, 4401, 4413, 4429])
def test_a_client_that_closes_with_a_code_of_ours_is_no_close_of_ours(stack: Stack, code: int) -> None:
    """Alerts go by these codes: anybody could set one off."""
    agent, before = f"leaves with {code}", closes(stack, code)
    with RawSocket(stack.first.ws_url, {"User-Agent": agent}) as socket:
        socket.send(CLOSE, code.to_bytes(2, "big"))
        socket.close_code()
    record = ending_of(stack, agent)
    assert (record["closeCode"], record["closeReason"]) == (code, "closed by the client")
    assert closes(stack, code) == before


@embedded
def test_a_connection_that_broke_off_is_told_from_a_client_that_left(stack: Stack) -> None:
    """By RFC 6455, section 7.4.1: 1006 is no close frame, 1005 one without a code."""
    for agent, payload in (("breaks off", None), ("leaves without a code", b"")):
        with RawSocket(stack.first.ws_url, {"User-Agent": agent}) as socket:
            socket.frame()
            if payload is not None:
                socket.send(CLOSE, payload)
    broken, left = ending_of(stack, "breaks off"), ending_of(stack, "leaves without a code")
    assert (broken["closeCode"], broken["closeReason"]) == (1006, "the connection broke off")
    assert (left["closeCode"], left["closeReason"]) == (1005, "the client left")


@embedded
def test_a_socketio_client_that_breaks_the_protocol_leaves_its_reason(stack: Stack) -> None:
    agent, written = "breaks in Socket.IO", stack.first.log.stat().st_size
    with websocket(stack.first.http_url, **{"User-Agent": agent}) as socket:
        socket.send("40")
        while "hello" not in str(socket.recv(timeout=5)):
            pass
        socket.socket.sendall(bytes([0x80 | BAD_OPCODE, 0x80, 0, 0, 0, 0]))
        assert closed_with(socket) == 1002
    assert "invalid opcode" in ending_of(stack, agent)["closeReason"]
    assert "Traceback" not in stack.first.log.read_text()[written:]


@embedded
def test_an_upgrade_that_breaks_the_protocol_leaves_no_traceback(stack: Stack) -> None:
    """It is no fault of ours, and its session goes on by polling."""
    written = stack.first.log.stat().st_size
    with Polling(stack.first.http_url) as session:
        upgrade = session.upgrade()
        upgrade.send("2" + "x" * 70_000)
        assert closed_with(upgrade) == 1009
        session.let_in()
    assert "Traceback" not in stack.first.log.read_text()[written:]


def closed_with(socket: ClientConnection) -> int | None:
    """Read on to the end; the server's close code."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=5)
    return socket.close_code
