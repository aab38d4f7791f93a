"""The WebSocket side of a connection: uvicorn's protocol, which also offers the application its wire.

See `realtime.wire`. A handshake has been read by `realtime.http_protocol`.
"""

import asyncio
from contextlib import suppress
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import Protocol

from realtime.http_protocol import LINGER_SECONDS, refusals
from realtime.request_heads import HeaderList
from realtime.slim import Gate, Inbox
from realtime.wire import EXTENSION, Wire

HANDSHAKE_SECONDS = 20.0  # in which the application accepts or refuses
MAX_EARLY_BYTES = 65_536  # of frames that come before the handshake is answered


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket, from its handshake on."""

    wire: Wire | None = None
    _failed = False  # the peer has broken the protocol: nothing more is read
    _early = b""
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]

    # --- the handshake ------------------------------------------------------------------------

    def begin(self, request: Request, headers: HeaderList, early: bytes) -> None:
        """Answer a handshake that has been read. `early` is what came behind it."""
        self.conn.parser = Protocol.parse(self.conn)  # of frames, without the parser of a request before
        next(self.conn.parser)
        self.handle_connect(request)
        if self.close_sent:
            self._log_refusal(getattr(self.conn.handshake_exc, "name", "the handshake is not valid"))
            return
        self.scope["headers"] = headers
        self._deadline = self.loop.call_later(HANDSHAKE_SECONDS, self._handshake_too_slow)
        self.wire = Wire(self.transport.write, self._close, self.transport.abort)
        extensions: dict[Any, Any] = self.scope["extensions"] or {}
        extensions[EXTENSION] = self.wire
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        if self.handshake_complete:
            super().data_received(data)
            return
        # Read once the handshake is answered: what a frame calls for must not be sent before that answer.
        self._early += data
        if len(self._early) > MAX_EARLY_BYTES:
            self.transport.pause_reading()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # The socket may stay for hours; the parser remembers the request for as long.
            self.request.headers.clear()
            del self.request, self.response
            self._stop_deadline()
            if self._early and self.handshake_complete:
                self._read_early()
        elif message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # which uvicorn forgets, and then logs as an error of ours

    def _read_early(self) -> None:
        early = self._early
        del self._early
        if len(early) > MAX_EARLY_BYTES:
            self.transport.resume_reading()
        self.data_received(early)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            del self._deadline

    def _handshake_too_slow(self) -> None:
        if self.handshake_complete or self.initial_response or self.transport.is_closing():
            return
        detail = f"the handshake was not answered within {HANDSHAKE_SECONDS:g} s"
        self._log_refusal(detail)
        self.conn.send_response(self.conn.reject(503, f"{detail}\n"))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def _log_refusal(self, why: str) -> None:
        address = self.client[0] if self.client else "a local client"
        refusals.warning("handshake", "refused a WebSocket handshake of %s: %s", address, why)

    # --- the wire -----------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._set_clear(False)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._set_clear(not self.close_sent and not self.transport.is_closing())

    def handle_close(self, event: Frame) -> None:
        self._set_clear(False)
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        """Say why, and drop what the peer still sends: a close at once could reset the connection."""
        self._set_clear(False)
        self._failed = self.close_sent = True
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_deadline()
        # What holds each other is let go of here, since the collector comes seldom.
        self.conn.parser.close()
        if self.wire is not None:
            self.wire.end()

    def shutdown(self) -> None:
        self._set_clear(False)
        super().shutdown()

    def _close(self, code: int, reason: str) -> None:
        """uvicorn's own way to close, which waits for nothing while the transport is clear."""
        with suppress(StopIteration, ClientDisconnected):
            self.send({"type": "websocket.close", "code": code, "reason": reason}).send(None)
        self._set_clear(False)

    def _set_clear(self, clear: bool) -> None:
        if self.wire is not None:
            self.wire.set_clear(clear)

    # --- frames -------------------------------------------------------------------------------

    def send_receive_event_to_app(self) -> None:
        """Text that is not UTF-8 is the client's fault: told by 1007, and no error of ours to log."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        if not self._failed:
            super().handle_ping()
            self._tell()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self._tell()

    def _tell(self) -> None:
        if self.wire is not None:
            self.wire.heard()
