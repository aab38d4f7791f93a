"""How far a peer has got with what was written to a TCP connection, as Linux tells it (tcp(7)).

What is acknowledged has reached the peer's system. Whether the program there has read it nobody can know.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from dataclasses import dataclass

# `struct tcp_info` of linux/tcp.h: tcpi_state, tcpi_last_data_sent and tcpi_bytes_acked among its numbers.
TCP_INFO = struct.Struct("=B43xI72xQ")
TCP_CLOSE = 7  # over in both directions: after a reset
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes that have not been sent once
# A peer that has something may acknowledge it so much later, and a reset acknowledges nothing.
DELAYED_ACK_MS = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """Of all bytes written to a connection: how many were handed over, have left and are acknowledged."""

    written: int
    sent: int
    acknowledged: int
    is_reset: bool
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
    state, since_sent, acknowledged = TCP_INFO.unpack(told)
    end = acknowledged + kept
    return Progress(
        written=end + transport.get_write_buffer_size(),
        sent=end - unsent,
        acknowledged=acknowledged,
        is_reset=state == TCP_CLOSE,
        sent_lately=since_sent < DELAYED_ACK_MS,
    )


def _asked(connection: socket.socket, question: int) -> int:
    return int.from_bytes(fcntl.ioctl(connection.fileno(), question, bytes(4)), sys.byteorder)
