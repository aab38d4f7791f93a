"""The consumer of a WebSocket: frames in, frames out, and nothing that is not transport.

The stock dispatch of Channels passes through a thread at every message, and servers drop the disconnect
message when a consumer crashes; so the loop is our own, and its `finally` is the one way out.
"""

import asyncio
from functools import partial
from typing import Any

from django.conf import settings

from realtime import admission, metrics, protocol, refusals
from realtime.connection import size
from realtime.gateway import Gateway
from realtime.log_ins import cookie_removal
from realtime.protocol import CloseCode
from realtime.session import Session, authenticate, by_ended_session, origin_holds
from realtime.wire import EXTENSION, Wire, counted_elsewhere, ending
from realtime.writers import TaskWriter, WireWriter, Writer

CLOSE_SECONDS = 5.0  # how long a reader has to take what was queued before a close, and to answer that


class GatewayConsumer:
    """One WebSocket."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._limit: asyncio.Timeout | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        await receive()  # websocket.connect
        handshake = admission.read_handshake(scope, settings.SESSION_COOKIE_NAME)
        scope["headers"] = []  # read, and not to be kept for as long as the socket stays
        identity, refusal = await authenticate(self.gateway, handshake)
        if not origin_holds(handshake, identity):
            metrics.CLOSES.labels("403").inc()
            await refusals.refuse_handshake(scope, send, 403, admission.foreign(handshake))
            return
        headers = [cookie_removal()] if by_ended_session(handshake, refusal) else []
        await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol, "headers": headers})
        self.session = Session(self.gateway, handshake, identity, self._wake)
        self.connection = self.session.connection
        self._wire: Wire | None = (scope.get("extensions") or {}).get(EXTENSION)
        self._writer = self._make_writer()
        refusal = refusal or self.session.refusal()
        self.session.open(refusal)
        if refusal is None:
            counted_elsewhere(scope)()
        await self._serve()

    def _make_writer(self) -> Writer:
        if self._wire is None:
            return TaskWriter(self.connection, self._send, self._hasten)
        self._wire.heard = self.session.heard
        return WireWriter(self.connection, self._wire)

    async def _serve(self) -> None:
        code = 1006
        try:
            async with asyncio.timeout(None) as self._limit:
                if self.connection.closing is not None:
                    self._hasten()
                code = await self._read()
        except TimeoutError:  # a peer that takes nothing is cut off
            if self._wire is not None:
                self._wire.abort()
        finally:
            self._limit = None
            self.session.end(code)
            self._writer.stop()

    def _wake(self) -> None:
        """Something is queued, or the socket is to close."""
        try:
            self._writer.wake()
        finally:
            if self.connection.closing is not None:
                self._hasten()

    def _hasten(self) -> None:
        """From here the socket has CLOSE_SECONDS to take what is left, and the peer to answer."""
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + CLOSE_SECONDS)

    async def _read(self) -> int:
        """Answer frames until the socket is gone; its close code."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                code, reason = ending(message)
                if reason:
                    self.connection.close(code, reason)
                return code
            payload = size(message.get("text") or message.get("bytes") or "")
            self.session.heard(payload)
            if payload > protocol.MAX_FRAME_BYTES:
                self.connection.close(
                    CloseCode.TOO_BIG, "a frame over 64 KiB"
                )  # where the server has no limit
            if self.connection.closing is None:
                await self.session.answer(partial(protocol.parse, message.get("text")))
