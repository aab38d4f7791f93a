"""HTTP and WebSocket clients that cost little beside what they measure."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
from websockets.asyncio.client import connect


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Raises ValueError where it was not sent."""
        start = self.head.lower().index(f"\r\n{name.lower()}:".encode()) + len(name) + 3
        return self.head[start : self.head.index(b"\r\n", start)].decode().strip()


def request(method: str, path: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """The request as it travels; `If_None_Match="…"` gives a header of that name."""
    given = {"Host": "localhost", "Authorization": f"Bearer {token}", **headers}
    if body:
        given |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _length(head: bytes) -> int:
    start = head.lower().find(b"\r\ncontent-length:")
    return int(head[start + 17 : head.index(b"\r\n", start + 17)]) if start >= 0 else 0


class Caller:
    """One blocking connection, kept alive."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, sent: bytes) -> Answer:
        self._socket.sendall(sent)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._read()
        head, _, body = received.partition(b"\r\n\r\n")
        head += b"\r\n"
        parts, missing = [body], _length(head) - len(body)
        while missing > 0:
            parts.append(self._read())
            missing -= len(parts[-1])
        return Answer(int(head[9:12]), head, b"".join(parts))

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> bytes:
        received = self._socket.recv(1 << 20)
        if not received:
            raise ConnectionError("the gateway has closed the connection")
        return received


class Line(asyncio.Protocol):
    """The same on a loop: one connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._received = b""
        self._waiting: asyncio.Future[Answer] | None = None

    @classmethod
    async def to(cls, port: int) -> "Line":
        _, line = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return line

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    async def ask(self, sent: bytes) -> Answer:
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(sent)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head + b"\r\n"):
            self._received = b""
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(Answer(int(head[9:12]), head + b"\r\n", body))

    def connection_lost(self, failure: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(failure or ConnectionError("the gateway has closed the connection"))

    def close(self) -> None:
        self._transport.close()


async def watch(
    port: int, token: str, project_id: str, heard: Callable[[dict[str, Any], float], None]
) -> "asyncio.Task[None]":
    """Join a room over WebSocket; `heard` gets each of its events and the epoch seconds of its arrival."""
    headers = {"Authorization": f"Bearer {token}"}
    socket_ = await connect(f"ws://127.0.0.1:{port}/", additional_headers=headers, max_size=None, proxy=None)
    await socket_.send(
        orjson.dumps({"id": 1, "event": "project:join", "data": {"projectId": project_id}}).decode()
    )
    while orjson.loads(await socket_.recv())["event"] != "ack":
        pass

    async def listen() -> None:
        async for frame in socket_:
            now = time.time()
            found = orjson.loads(frame)
            if "seq" in found:
                heard(found, now)

    return asyncio.create_task(listen())
