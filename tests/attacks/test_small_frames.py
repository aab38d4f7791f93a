"""Floods of the smallest frames: what costs the most for a byte may cost the others nothing."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from realtime.wire import EXTENSION
from tests.support.asgi_server import RawConnection, serving
from tests.support.processes import eventually

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
MASK = bytes(4)
PING, PONG, EMPTY_PART, EMPTY_TEXT = (bytes([first, 0x80]) + MASK for first in (0x89, 0x8A, 0x00, 0x81))
FIRST_PART, SMALL_PART, LAST_PART = (bytes([first, 0x81]) + MASK + b"x" for first in (0x01, 0x00, 0x80))
LARGE_PING = bytes([0x89, 0xFD]) + MASK + b"x" * 125
HELLO = bytes([0x81, 0x85]) + MASK + b"hello"
# The processor's time of one turn of the loop, and not the clock's: a busy machine is no reason to fail.
TURN_SECONDS = 0.05
FRAMES = 40_000


class Application:
    """Answers each message with "got " and its length. `longest_turn` in seconds of the processor's time."""

    def __init__(self) -> None:
        self.longest_turn = 0.0
        self.protocol: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.protocol = scope["extensions"][EXTENSION].write.__self__.get_protocol()
        await send({"type": "websocket.accept"})
        measuring = asyncio.create_task(self._measure())
        with contextlib.suppress(OSError):
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": f"got {len(message['text'])}"})
        measuring.cancel()

    async def _measure(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            self.longest_turn = max(self.longest_turn, time.thread_time() - began)


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def opened(application: Application) -> Iterator[RawConnection]:
    with serving(application) as port, RawConnection(port) as raw:
        raw.send(HANDSHAKE)
        raw.read_until(b"\r\n\r\n")
        yield raw


@contextlib.contextmanager
def sending(raw: RawConnection, *parts: bytes) -> Iterator[None]:
    """Send beside the reading of what it is answered with."""
    thread = threading.Thread(target=raw.send, args=parts)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize(
    "flood", [PING * FRAMES, PONG * FRAMES, FIRST_PART + EMPTY_PART * FRAMES + LAST_PART, EMPTY_TEXT * FRAMES]
)
def test_a_flood_of_small_frames_takes_the_loop_for_a_moment_at_a_time(
    application: Application, opened: RawConnection, flood: bytes
) -> None:
    """Heartbeats, events and probes of all others wait for as long as one turn of the loop takes."""
    with sending(opened, flood, HELLO):
        opened.read_until(b"got 5")
    assert application.longest_turn < TURN_SECONDS


def test_each_of_many_frames_is_answered_in_order(opened: RawConnection) -> None:
    answers = (b"\x81\x05got 0" + b"\x81\x05got 5") * 2000
    with sending(opened, (EMPTY_TEXT + HELLO) * 2000):
        assert opened.read_until(lambda seen: len(seen) >= len(answers)) == answers


def test_pings_whose_answers_are_not_read_pile_up_nowhere(
    application: Application, opened: RawConnection
) -> None:
    """The transport keeps what the peer does not take, without a bound."""
    transport = application.protocol.transport
    opened.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    # Systems keep up to four megabytes for a sender, which would take a long flood to fill.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    for _ in range(10):
        opened.send(LARGE_PING * 1000)
    eventually(lambda: not application.protocol.writable.is_set(), what="a peer that takes nothing more")
    assert transport.get_write_buffer_size() < 300_000
    opened.send(bytes([0x89, 0x84]) + MASK + b"last")
    opened.read_until(b"\x8a\x04last")


def test_parts_of_a_message_take_no_more_room_than_the_message(
    application: Application, opened: RawConnection
) -> None:
    """Each kept by itself takes forty times its bytes, and empty ones may come in any number."""
    opened.send(FIRST_PART, EMPTY_PART * 1000, SMALL_PART * 1000, PING)
    opened.read_until(b"\x8a\x00")
    assert len(application.protocol.frames) < 100
    opened.send(LAST_PART)
    opened.read_until(b"got 1002")


def test_a_peer_that_breaks_the_protocol_in_a_flood_is_told(opened: RawConnection) -> None:
    with sending(opened, PONG * 5000 + b"\xff\x80" + MASK):
        assert opened.read_until(b"\x88")[:1] == b"\x88"
