"""Engine.IO 4 as its own documents have it, with times that are short: heartbeat, messages, upgrade, end."""

import gc
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from realtime.engineio import EngineSession
from tests.realtime.engineio_rig import HEARTBEAT, Echo, echo_server
from tests.support.engineio import Polling, path, websocket
from tests.support.processes import eventually
from tests.support.raw_http import RawHttp, head

BEATS = 3
BUSY_SECONDS = 5.0  # what a busy machine may add


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with echo_server() as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Polling]:
    with Polling(url) as polling:
        yield polling


@pytest.fixture
def opened(url: str) -> Iterator[ClientConnection]:
    with websocket(url) as connection:
        yield connection


def without_pings(received: str) -> list[str]:
    return [packet for packet in received.split("\x1e") if packet != "2"]


def poll(client: Polling) -> list[str]:
    """What the next poll brings beside pings, which are answered."""
    while not (found := without_pings(answer := client.get().text)):
        client.post("3")
    if "2" in answer.split("\x1e"):
        client.post("3")
    return found


def read(opened: ClientConnection) -> str:
    """The next packet beside pings, which are answered."""
    while (packet := str(opened.recv(5))) == "2":
        opened.send("3")
    return packet


def probe(client: Polling) -> ClientConnection:
    """A WebSocket beside the session, whose probe has been answered."""
    beside = client.upgrade()
    beside.send("2probe")
    assert beside.recv(5) == "3probe"
    return beside


def assert_closed(opened: ClientConnection, code: int) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        read(opened)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_the_handshake_says_what_a_client_needs(client: Polling, opened: ClientConnection) -> None:
    by_websocket = json.loads(str(opened.recv(5)).removeprefix("0"))
    times = {"pingInterval": 300, "pingTimeout": 1000, "maxPayload": 65_536}
    assert client.handshake == {"sid": client.sid, "upgrades": ["websocket"], **times}
    assert by_websocket == {"sid": by_websocket["sid"], "upgrades": [], **times}
    assert by_websocket["sid"] != client.sid


def test_messages_come_back_over_polling_in_order(client: Polling) -> None:
    assert client.post("4hello").text == "ok"
    assert poll(client) == ["4hello"]
    assert client.post("4test1", "4test2", "4test3").text == "ok"
    found: list[str] = []
    while len(found) < 3:
        found += poll(client)
    assert found == ["4test1", "4test2", "4test3"]


def test_messages_come_back_over_a_websocket(opened: ClientConnection) -> None:
    opened.recv(5)
    opened.send("4hello")
    assert read(opened) == "4hello"


@pytest.mark.logs_errors("a Socket.IO packet could not be carried out")
def test_a_handler_that_fails_keeps_nothing_after_it(client: Polling) -> None:
    assert client.post("4one", "4fail", "4two").text == "ok"
    found: list[str] = []
    while len(found) < 2:
        found += poll(client)
    assert found == ["4one", "4two"]


@pytest.mark.logs_errors("a WebSocket of Socket.IO failed")
def test_a_fault_in_reading_ends_the_session_at_once(opened: ClientConnection) -> None:
    """Nobody would read it any more, and its client would believe itself heard until the pings end."""
    opened.recv(5)
    opened.send("4break")
    assert_closed(opened, 1000)  # and not for pings that it answers and nobody reads


def test_pings_are_sent_as_long_as_they_are_answered_by_polling(client: Polling) -> None:
    for _ in range(BEATS):
        assert client.get().text == "2"
        assert client.post("3").text == "ok"


def test_pings_are_sent_as_long_as_they_are_answered_by_websocket(opened: ClientConnection) -> None:
    opened.recv(5)
    for _ in range(BEATS):
        assert opened.recv(5) == "2"
        opened.send("3")


def test_whoever_answers_no_ping_loses_its_session(client: Polling, opened: ClientConnection) -> None:
    begun = time.monotonic()
    while client.get().status_code == 200:
        pass
    assert HEARTBEAT.timeout < time.monotonic() - begun < BUSY_SECONDS
    with suppress(ConnectionClosed):
        while time.monotonic() - begun < BUSY_SECONDS:
            opened.recv(5)
    assert (opened.close_code, opened.close_reason) == (4408, "no answer to a ping")


def test_a_session_that_a_client_closes_answers_its_poll(client: Polling) -> None:
    waiting = client.begin_poll()
    assert client.post("1").text == "ok"
    assert waiting.answer().body == b"6"  # NOOP
    assert client.get().status_code == 400


def test_a_session_that_the_server_closes_brings_what_was_left_first(client: Polling) -> None:
    assert client.post("4last", "4end").text == "ok"
    found: list[str] = []
    while "1" not in found:
        found += poll(client)
    assert found == ["4last", "1"]
    assert client.get().status_code == 400


def test_a_websocket_that_either_side_closes(url: str) -> None:
    for packet, code in (("1", 1000), ("4end", 4400)):
        with websocket(url) as opened:
            opened.recv(5)
            opened.send(packet)
            assert_closed(opened, code)


def test_a_session_moves_to_a_websocket_and_leaves_nothing_behind(client: Polling) -> None:
    assert client.post("4before").text == "ok"
    beside = probe(client)
    found: list[str] = []
    while "6" not in found:  # NOOP, which ends polls so that the client can move
        found += poll(client)
    assert found == ["4before", "6"]
    assert client.post("4during").text == "ok"
    beside.send("5")
    beside.send("4after")
    assert [read(beside), read(beside)] == ["4during", "4after"]
    for refused in (client.get(), client.post("4x")):
        assert refused.status_code == 400
    with client.upgrade() as second:
        assert_closed(second, 1000)
    beside.send("4still")
    assert read(beside) == "4still"


def test_a_poll_that_waits_ends_when_the_client_probes(client: Polling) -> None:
    with RawHttp(client.url) as waiting:
        waiting.send(head("GET", path(client.sid), waiting.host))
        probe(client)
        assert waiting.answer().body in (b"6", b"2")


def test_beside_a_websocket_that_brings_no_frame_polls_are_held_as_ever(client: Polling) -> None:
    """Some networks let a handshake pass and no frame: the client would poll as fast as it can."""
    client.upgrade()
    held = client.begin_poll()
    assert client.post("4hello").text == "ok"
    assert held.answer().body in (b"4hello", b"2")


def test_beside_a_websocket_that_is_probed_a_poll_waits_for_a_moment(client: Polling) -> None:
    probe(client)
    began, found = time.monotonic(), [poll(client) for _ in range(5)]
    assert found.count(["6"]) >= 3
    assert time.monotonic() - began > 0.25


def test_a_client_that_moves_without_waiting_gets_all_on_its_websocket(client: Polling) -> None:
    """The poll that still waits must not take what goes to the WebSocket, nor keep its place."""
    waiting = client.begin_poll()
    beside = client.upgrade()
    for packet in ("2probe", "5", "4one", "4two"):
        beside.send(packet)
    assert [read(beside) for _ in range(3)] == ["3probe", "4one", "4two"]
    assert waiting.answer().body in (b"6", b"2")


def test_a_connection_that_is_reset_after_the_move_costs_the_session_nothing(client: Polling) -> None:
    """The last answer to a poll was taken, or its client could not have moved."""
    with RawHttp(client.url) as idle:
        client.post("4before")
        idle.send(head("GET", path(client.sid), idle.host))
        assert idle.answer().status == 200
        beside = probe(client)
        beside.send("5")
        beside.send("4moved")
        assert read(beside) == "4moved"
        idle.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert client.get().status_code == 400  # it has moved; and the reset has come by now
    beside.send("4still")
    assert read(beside) == "4still"


@pytest.mark.parametrize("sent", [["4x"], ["2"], ["2probe", "4x"], ["2probe", b"5"], []])
def test_a_probe_that_breaks_off_leaves_the_session_to_polling(client: Polling, sent: list[str]) -> None:
    with client.upgrade() as beside:
        for packet in sent:
            beside.send(packet)
        if sent:
            with suppress(ConnectionClosed):
                while beside.recv(5) == "3probe":
                    pass
            assert beside.close_reason == "the upgrade was not completed"
    assert client.post("4hello").text == "ok"
    while (found := poll(client)) == ["6"]:
        pass
    assert found == ["4hello"]
    second = probe(client)  # and it may try again
    second.send("5")
    second.send("4moved")
    assert read(second) == "4moved"


def test_of_two_probes_the_second_is_turned_away(client: Polling) -> None:
    first = probe(client)
    with client.upgrade() as second:
        assert_closed(second, 1000)
    first.send("5")
    first.send("4hello")
    assert read(first) == "4hello"


def test_a_session_that_ends_while_it_is_probed_ends_the_probe(client: Polling) -> None:
    beside = probe(client)
    assert client.post("1").text == "ok"
    beside.send("5")
    assert_closed(beside, 1000)
    assert client.get().status_code == 400


def test_a_session_that_has_gone_leaves_nothing_to_collect(url: str) -> None:
    """The collector of a gateway comes seldom: what holds each other would pile up until then."""
    eventually(lambda: not alive(), BUSY_SECONDS, "the sessions of other tests to end")
    gc.disable()
    try:
        with Polling(url) as polled:
            polled.post("4hello", "1")
        with Polling(url) as broken_off:
            broken_off.begin_poll().socket.close()
        with Polling(url) as moving, probe(moving) as beside:
            beside.send("5")
            beside.send("4hello")
            assert read(beside) == "4hello"
        eventually(lambda: not alive(), BUSY_SECONDS, "all of them to be let go")
    finally:
        gc.enable()


def alive() -> int:
    return sum(type(each) in (EngineSession, Echo) for each in gc.get_objects())
