"""How frames get from a connection's queue to its socket: on our server at once, on any other by a task."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from realtime.asgi import Send
from realtime.connection import Close, Connection
from realtime.wire import Wire, frame

MAX_REASON_BYTES = 123  # RFC 6455, section 5.5: a control frame holds 125 bytes, two are the code
JOINED_CHARACTERS = 16_384  # of queued frames that leave as one write


class Writer(Protocol):
    """`wake` is called when frames are queued, or when the connection is to close."""

    def wake(self) -> None: ...

    def stop(self) -> None: ...


class WireWriter:
    """Writes ready frames as long as the wire takes them. No task, and no turn of the loop.

    While nothing waits the fan-out may write past the queue: see `Connection.stream`.
    """

    __slots__ = ("_connection", "_wire")

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._connection = connection
        self._wire = wire
        wire.changed = self.wake

    def wake(self) -> None:
        connection, wire = self._connection, self._wire
        while wire.clear and (frames := connection.outbox.take_some(JOINED_CHARACTERS)):
            wire.write(b"".join(map(frame, frames)))
        if wire.clear and connection.closing is not None:
            wire.close(connection.closing.code, _reason(connection.closing))
        connection.stream = wire.write if wire.clear else None

    def stop(self) -> None:
        self._connection.stream = None
        self._wire.let_go()


class TaskWriter:
    """Awaits ASGI's `send` for each frame. `ended` is called once it has sent the close frame or failed."""

    def __init__(self, connection: Connection, send: Send, ended: Callable[[], None]) -> None:
        self._connection = connection
        self._send = send
        self._ended = ended
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._write()
        except Exception:  # noqa: BLE001, S110  the peer is gone, which the reader hears, too
            pass
        finally:
            self._ended()

    async def _write(self) -> None:
        outbox = self._connection.outbox
        while True:
            await self._woken.wait()
            self._woken.clear()
            while (queued := outbox.take()) is not None:
                await self._send({"type": "websocket.send", "text": queued})
            closing = self._connection.closing
            if closing is not None:
                await self._send(close_message(closing))
                return


def close_message(closing: Close) -> dict[str, Any]:
    """ASGI's, with a code that every server says: daphne refuses the protocol's own."""
    code = int(closing.code) if closing.code >= 3000 else 1000
    return {"type": "websocket.close", "code": code, "reason": _reason(closing)}


def _reason(closing: Close) -> str:
    return closing.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
