"""How far a peer has got with what was written to a TCP connection, as Linux tells it (tcp(7)).

What is acknowledged has reached the peer's system. Whether the program there has read it nobody can know.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Iterable
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
        self._length = self._end = 0  # of the answer under way, where its head has said how long it is

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._written += len(data)
            self._transport.write(data)

    def expect(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """An answer with this head begins: the application holds its body until all of it is written."""
        self._length = next((int(value) for name, value in headers if name.lower() == b"content-length"), 0)
        self._end = self._written + self._length

    @property
    def left(self) -> int:
        """How many bytes the peer has yet to take."""
        return self._transport.get_write_buffer_size() + max(0, self._end - self._written)

    @property
    def held(self) -> int:
        """How many bytes of memory that takes: of a body all, until the last of it is written."""
        return self._transport.get_write_buffer_size() + (self._length if self._written < self._end else 0)

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
