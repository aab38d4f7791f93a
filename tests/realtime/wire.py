"""What a well-behaved client never does: handshakes refused, sessions by hand, tokens forged, raw bytes."""

import base64
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from websockets.exceptions import InvalidStatus

from tests.support.environment import SECRETS
from tests.support.people import Person
from tests.support.sockets import Socket

HEADER_BYTES = 4096


def refused_with(url: str, **options: Any) -> int:
    """The HTTP status of a handshake that is expected to be refused."""
    with pytest.raises(InvalidStatus) as caught:
        Socket(url, **options)
    return caught.value.response.status_code


def forged(token: str, secret: str = SECRETS["JWT_SECRET"], **claims: Any) -> str:
    """The same token with other claims, signed with our secret or another."""
    known = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**known, **claims}, secret, algorithm="HS256")


@contextmanager
def session_of(base_url: str, person: Person) -> Iterator[httpx.Client]:
    """A browser's client, logged in by the admin's form; its cookies are a session and a CSRF token."""
    with httpx.Client(base_url=base_url, timeout=20) as client:
        _log_in(client, person)
        yield client


def _log_in(client: httpx.Client, person: Person) -> None:
    client.get("/admin/login/").raise_for_status()
    form = {**person.credentials, "csrfmiddlewaretoken": client.cookies["csrftoken"], "next": "/admin/"}
    answer = client.post("/admin/login/", data=form, headers={"Referer": str(client.base_url)})
    assert answer.status_code == httpx.codes.FOUND, answer.text[:500]


class RawSocket:
    """A WebSocket by hand that answers nothing by itself: no pong, no close."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, receive_buffer: int = 0) -> None:
        parts = urlsplit(url)
        self._socket = socket.socket()
        self._socket.settimeout(10)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect((parts.hostname or "", parts.port or 80))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {parts.path or '/'} HTTP/1.1",
            f"Host: {parts.netloc}",
            *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            f"Sec-WebSocket-Key: {key}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        self._unread = b""
        while b"\r\n\r\n" not in self._unread:
            self._unread += self._receive()
        self.head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        self.status = int(self.head.split()[1])

    def __enter__(self) -> "RawSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, opcode: int, payload: bytes, final: bool = True) -> None:
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack("!H", length)
        self._socket.sendall(bytes([(0x80 if final else 0) | opcode]) + size + b"\0\0\0\0" + payload)

    def pong(self, payload: bytes) -> None:
        self.send(0xA, payload)

    def frame(self, seconds: float = 10) -> tuple[int, bytes]:
        """The next frame: opcode and payload; (-1, b"") once the server has gone."""
        self._socket.settimeout(seconds)
        try:
            first, second = self._take(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self._take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._take(8))
            return first & 0x0F, self._take(length)
        except ConnectionError:
            return -1, b""

    def close_code(self, seconds: float = 10, answer_pings: bool = False) -> int:
        """Read on to the close frame; its code, 1006 where the server just went."""
        while True:
            opcode, payload = self.frame(seconds)
            if opcode == -1:
                return 1006
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0])
            if opcode == 9 and answer_pings:
                self.pong(payload)

    def _take(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._unread += self._receive()
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    def _receive(self) -> bytes:
        found = self._socket.recv(HEADER_BYTES)
        if not found:
            raise ConnectionResetError
        return found
