"""Many clients at once, on a loop in a thread of their own: sockets and polls by the hundred."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

T = TypeVar("T")
Headers = dict[str, str]
HeadersOf = Callable[[int], Headers]
AT_A_TIME = 50
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll was answered with."""

    status: int
    headers: Headers
    body: Any


def nothing(_: int) -> Headers:
    return {}


class Many:
    """`with` closes what is open, and ends the loop."""

    def __enter__(self) -> "Many":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._sockets: list[ClientConnection] = []
        self._polls: list[Future[Polled]] = []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_sockets()
        for poll in self._polls:
            poll.cancel()
        self._run(asyncio.sleep(0))  # what was cancelled ends
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def sockets(self, url: str, count: int, headers_of: HeadersOf = nothing) -> list[int | None]:
        """Open so many; the close code of each that was not let in, None for one that was, in order."""
        gate = asyncio.Semaphore(AT_A_TIME)

        async def one(number: int) -> int | None:
            async with gate:
                return await self._open(url, headers_of(number))

        async def all_of_them() -> list[int | None]:
            return await asyncio.gather(*map(one, range(count)))

        return self._run(all_of_them())

    def close_sockets(self) -> None:
        async def close() -> None:
            await asyncio.gather(*(socket.close() for socket in self._sockets), return_exceptions=True)

        self._run(close())
        self._sockets.clear()

    def poll(self, url: str, headers: Headers | None = None) -> "Future[Polled]":
        """Begin a request that may be held."""
        poll = asyncio.run_coroutine_threadsafe(_poll(url, headers or {}), self._loop)
        self._polls.append(poll)
        return poll

    async def _open(self, url: str, headers: Headers) -> int | None:
        socket = await connect(
            url,
            additional_headers=headers,
            proxy=None,
            close_timeout=1,
            open_timeout=SECONDS,
            ping_interval=None,
        )
        try:
            await socket.recv()  # hello
            await socket.send('{"id": 1, "event": "ping"}')
            await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        self._sockets.append(socket)
        return None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)


async def _poll(url: str, headers: Headers) -> Polled:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        named = (field.partition(": ") for field in fields)
        answered = {name.lower(): value for name, _, value in named}
        return Polled(int(first.split()[1]), answered, json.loads(body) if body else None)
    finally:
        writer.close()
