"""The WebSocket of an Engine.IO session: one that opened it, or one to which it moves from polling."""

import asyncio
from contextlib import suppress
from typing import Any

from realtime.connection import Close
from realtime.engineio import EngineSession, Transport
from realtime.outages import log_failure
from realtime.protocol import MAX_FRAME_BYTES
from realtime.socketio_packets import EngineType, Message, PacketError, TooLarge, read_engine_packet
from realtime.wire import EXTENSION, ending
from realtime.writers import close_message

UPGRADE_SECONDS = 10.0  # how long a client may try a WebSocket before its session goes on by polling
LAST_SECONDS = 1.0  # how long the last packets and the close frame of a session have to leave
PROBE = "probe"


class Gone(Exception):
    """The WebSocket is closed, with that code; `reason` is the server's own where it has closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason


class Socket:
    """One accepted WebSocket."""

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._wire = (scope.get("extensions") or {}).get(EXTENSION)

    async def upgrade(self, session: EngineSession) -> bool:
        """Whether the client has moved its session here. Until then the session goes on by polling."""
        try:
            async with asyncio.timeout(UPGRADE_SECONDS):
                await self._wait_for_probe(session)
                await self._complete(session)
        except (TimeoutError, Gone, PacketError, OSError):
            return False
        return True

    async def _wait_for_probe(self, session: EngineSession) -> None:
        """A network may let a handshake pass and no frame: polls wait as ever until one has come."""
        if await self._read() != EngineType.PING + PROBE:
            raise PacketError("a WebSocket beside a session begins with 2probe")
        if session.transport is not Transport.POLLING:
            raise PacketError("this session has a WebSocket")

    async def _complete(self, session: EngineSession) -> None:
        session.set_transport(Transport.UPGRADING)
        reached = Transport.POLLING
        try:
            await self._write(EngineType.PONG + PROBE)
            if await self._read() != EngineType.UPGRADE or session.over is not None:
                raise PacketError("an upgrade is completed with 5")
            reached = Transport.WEBSOCKET
        finally:
            session.set_transport(reached)

    async def carry(self, session: EngineSession) -> None:
        """Carry a session to its end, which is that of the WebSocket, too."""
        reading = asyncio.create_task(self._read_all(session))
        writing = asyncio.create_task(self._write_all(session))

        def hurry() -> None:
            """A peer that takes nothing holds up the writer: from the end of the session it has a moment."""
            asyncio.get_running_loop().call_later(LAST_SECONDS, writing.cancel)

        session.on_end = hurry
        try:
            await asyncio.wait([writing])
        finally:
            session.end(1006)
            reading.cancel()
            writing.cancel()
        if writing.cancelled() and self._wire is not None:
            self._wire.abort()

    async def close(self, close: Close) -> None:
        with suppress(OSError):  # the peer is gone
            await self._send(close_message(close))

    async def _read_all(self, session: EngineSession) -> None:
        try:
            while session.over is None:
                await session.receive([read_engine_packet(await self._read())])
        except Gone as gone:
            session.end(gone.code, gone.reason)
        except PacketError as error:
            session.end(error.code, str(error))
        except Exception as failure:  # noqa: BLE001  a fault of ours: a session that nobody reads must not stay
            log_failure("a WebSocket of Socket.IO", failure)
            session.end(1006)

    async def _write_all(self, session: EngineSession) -> None:
        with suppress(OSError):  # the peer is gone, which the reader notices, too
            while packets := await session.packets():
                for packet in packets:
                    await self._write(packet)
        await self.close(session.over or Close(1006, ""))

    async def _read(self) -> Message:
        """The next message. Raises Gone, and PacketError where it is too long."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Gone(*ending(message))
        text = message.get("text")
        received: Message = message["bytes"] if text is None else text
        if len(received) > MAX_FRAME_BYTES:  # where the server itself has no limit
            raise TooLarge("a frame over 64 KiB")
        return received

    async def _write(self, packet: str) -> None:
        await self._send({"type": "websocket.send", "text": packet})
