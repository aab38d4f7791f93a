"""How far a peer has got with what was written to a TCP connection, as Linux tells it (tcp(7)).

What is acknowledged has reached the peer's system. Whether the program there has read it nobody can know.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# `struct tcp_info` of linux/tcp.h: tcpi_last_data_sent and tcpi_bytes_acked among its numbers.
TCP_INFO = struct.Struct("=44xI72xQ")
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes that have not been sent once
# A peer that has something may acknowledge it so much later, and a reset acknowledges nothing.
DELAYED_ACK_MS = 200


class CountedWrites:
    """A transport that counts the bytes written to it: after a reset the system does not tell.

    What is written once it closes is dropped: the client has gone, or takes nothing more.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._written = 0
        self._marked = 0

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._written += len(data)
            self._transport.write(data)

    def end(self) -> None:
        """Close, without waiting for a peer that does not read."""
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def mark(self) -> None:
        """The end of an answer of which it matters whether it is taken."""
        self._marked = self._written

    def is_taken(self, by_reset: bool) -> bool:
        """Whether the peer has all up to the mark. A reset, unlike a FIN, acknowledges nothing."""
        now = progress(self._transport)
        if now is None:
            return not by_reset
        return now.may_have(self._marked) if by_reset else now.acknowledged >= self._marked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class ReaderWatch:
    """Notices a peer that hardly reads while an answer waits for it, which takes memory for as long."""

    SECONDS = 30.0
    LEAST_BYTES = 30 * 1024  # in that time: a connection by the slowest of mobile networks takes more

    def __init__(self, transport: asyncio.Transport, give_up: Callable[[], None]) -> None:
        self._transport = transport
        self._give_up: Callable[[], None] | None = give_up
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Something waits."""
        self.end()
        left = self._transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(self.SECONDS, self._look, left)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Of a connection that is gone: whoever watches and is told no longer hold each other."""
        self.end()
        self._give_up = None

    def _look(self, left_before: int) -> None:
        taken = left_before - self._transport.get_write_buffer_size()
        if taken >= self.LEAST_BYTES:
            self.begin()
        elif self._give_up is not None:
            self._give_up()


@dataclass(frozen=True, slots=True)
class Progress:
    """Of all bytes written to a connection: how many have left, and how many are acknowledged."""

    sent: int
    acknowledged: int
    sent_lately: bool  # within the time of a delayed acknowledgement

    def may_have(self, end: int) -> bool:
        """Whether the peer may have all bytes up to `end`."""
        return self.acknowledged >= end or (self.sent >= end and self.sent_lately)


def progress(transport: asyncio.Transport) -> Progress | None:
    """None where the system does not tell."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None or sys.platform != "linux":
        return None
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
        kept, unsent = (_asked(connection, question) for question in (termios.TIOCOUTQ, SIOCOUTQNSD))
    except OSError:  # it is a Unix socket, or closed
        return None
    if len(told) < TCP_INFO.size:
        return None
    since_sent, acknowledged = TCP_INFO.unpack(told)
    end = acknowledged + kept
    return Progress(
        sent=end - unsent,
        acknowledged=acknowledged,
        sent_lately=since_sent < DELAYED_ACK_MS,
    )


def _asked(connection: socket.socket, question: int) -> int:
    return int.from_bytes(fcntl.ioctl(connection.fileno(), question, bytes(4)), sys.byteorder)
