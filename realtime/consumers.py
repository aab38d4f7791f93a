"""The consumer of a WebSocket: frames in, frames out, and nothing that is not transport.

The stock dispatch of Channels passes through a thread at every message, and servers drop the disconnect
message when a consumer crashes; so the loop is our own, and its `finally` is the one way out.
"""

import asyncio
from functools import partial
from typing import Any

from channels.consumer import AsyncConsumer
from django.conf import settings

from realtime import metrics, protocol
from realtime.admission import read_handshake
from realtime.connection import size
from realtime.gateway import Gateway
from realtime.protocol import CloseCode, FrameError
from realtime.session import Session, authenticate, origin_holds

CLOSE_SECONDS = 5.0  # how long a reader has to take what was queued before a close
MAX_REASON_BYTES = 123  # RFC 6455, section 5.5: a control frame holds 125 bytes, two are the code
SOCKET = "devmentor.socket"  # scope extension of our server: {"abort": …, "on_control": …}


class GatewayConsumer(AsyncConsumer):
    """One WebSocket. `gateway` is handed in through `as_asgi(gateway=…)`."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.woken = asyncio.Event()
        self.writer: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._controls = (scope.get("extensions") or {}).get(SOCKET)
        await receive()  # websocket.connect
        handshake = read_handshake(scope, settings.SESSION_COOKIE_NAME, settings.TRUSTED_PROXIES)
        identity, refusal = await authenticate(self.gateway, handshake)
        if not origin_holds(handshake, identity):
            metrics.CLOSES.labels("403").inc()
            await send({"type": "websocket.close", "code": CloseCode.FORBIDDEN})
            return
        await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
        self.session = Session(self.gateway, handshake, identity, self._wake)
        self.connection = self.session.connection
        self.session.open(refusal or self.session.refusal())
        await self._serve()

    async def _serve(self) -> None:
        if self._controls is not None:
            self._controls["on_control"] = self.session.heard
        reader = asyncio.create_task(self._read())
        writer = self.writer = asyncio.create_task(self._write())
        if self.connection.closing is not None:
            self._wake()
        code, stuck = 1006, False
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            # After our close the reader waits for the peer's; a peer that takes nothing is cut off.
            stuck = writer.cancelled()
            await asyncio.wait({reader}, timeout=0 if stuck else CLOSE_SECONDS)
            code = reader.result() if reader.done() else 1006
        finally:
            self.session.end(code)
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            if stuck and self._controls is not None:
                self._controls["abort"]()

    def _wake(self) -> None:
        """Something is queued, or the socket is to close: it then has CLOSE_SECONDS to take what is left."""
        self.woken.set()
        if self.connection.closing is not None and self.writer is not None:
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.writer.cancel)

    async def _read(self) -> int:
        """Answer frames until the socket is gone; its close code."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005)
            payload = size(message.get("text") or message.get("bytes") or "")
            self.session.heard(payload)
            if payload > protocol.MAX_FRAME_BYTES:
                self.connection.close(
                    CloseCode.TOO_BIG, "a frame over 64 KiB"
                )  # where the server has no limit
            if self.connection.closing is None:
                await self._answer(message.get("text"))

    async def _answer(self, text: str | None) -> None:
        """Each frame with an id gets exactly one ack or error, whatever it holds."""
        try:
            answer = await self.session.run(partial(protocol.parse, text))
        except FrameError as error:
            self.connection.send(protocol.error(error))
            self.session.refused(error)
            return
        if answer.id is not None:
            self.connection.send(protocol.ack(answer.id, answer.data))
            metrics.count_out("ack")
        answer.then()

    async def _write(self) -> None:
        """Send what is queued, as it comes; end with the close frame once one is due."""
        outbox = self.connection.outbox
        while True:
            await self.woken.wait()
            self.woken.clear()
            while (frame := outbox.take()) is not None:
                await self._send({"type": "websocket.send", "text": frame})
            closing = self.connection.closing
            if closing is not None:
                reason = closing.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
                await self._send(
                    {"type": "websocket.close", "code": self._sayable(closing.code), "reason": reason}
                )
                return

    def _sayable(self, code: int) -> int:
        """The code as a plain int; under daphne, which refuses to say the protocol's own, 1000 for those."""
        return int(code) if self._controls is not None or code >= 3000 else 1000
