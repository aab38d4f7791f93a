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
from realtime.plain_connections import PlainConnection
from realtime.request_heads import HeaderList
from realtime.slim import Gate, Inbox
from realtime.wire import BROKEN, COUNTED_ELSEWHERE, EXTENSION, Wire

HANDSHAKE_SECONDS = 20.0  # in which the application accepts or refuses
MAX_EARLY_BYTES = 65_536  # of frames that come before the handshake is answered
# Parsed in one turn of the loop: a few hundred of the smallest frames, which cost the most for a byte. One
# read brings up to a hundred times as much, for which everybody else would wait.
TURN_BYTES = 2048
MOST_PARTS = 64  # of one message that are kept apart: each takes more memory than its bytes


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket, from its handshake on."""

    wire: Wire | None = None
    _place: PlainConnection
    _failed = False  # the peer has broken the protocol: nothing more is read
    _early = b""
    _unparsed = b""  # what has come, beyond a turn's worth
    _turn: asyncio.Handle | None = None
    _pong = b""  # the newest, while the peer takes nothing
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]

    # --- the handshake ------------------------------------------------------------------------

    def begin(self, request: Request, headers: HeaderList, early: bytes, place: PlainConnection) -> None:
        """Answer a handshake that has been read.

        early: what came behind it
        place: its connection's, kept until the application counts it, else for as long as it is open
        """
        self._place = place
        place.hand_over(self.transport.abort)
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
        extensions[COUNTED_ELSEWHERE] = place.leave
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        if self.handshake_complete:
            self._take(data)
            return
        # Read once the handshake is answered: what a frame calls for must not be sent before that answer.
        self._early += data
        if len(self._early) > MAX_EARLY_BYTES:
            self.transport.pause_reading()

    async def send(self, message: Any) -> None:
        if self._failed:  # the close frame has been sent: the application has yet to read of it
            raise ClientDisconnected
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
        elif message["type"] == "websocket.close":
            self._go_on()  # to the peer's own close frame, behind what the application has not read

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

    @property
    def _awaits_answer(self) -> bool:
        return not (self.handshake_complete or self.initial_response or self.transport.is_closing())

    def _handshake_too_slow(self) -> None:
        if self._awaits_answer:
            detail = f"the handshake was not answered within {HANDSHAKE_SECONDS:g} s"
            self._log_refusal(detail)
            self._send_away(detail)

    def _send_away(self, detail: str) -> None:
        """Answer a handshake in the application's place: the client is to come back, here or elsewhere."""
        response = self.conn.reject(503, f"{detail}\n")
        response.headers["Retry-After"] = "1"
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def _log_refusal(self, why: str) -> None:
        address = self.client[0] if self.client else "a local client"
        refusals.warning("handshake", "refused a WebSocket handshake of %s: %s", address, why)

    # --- reading ------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Parse a turn's worth of bytes. Until the rest is parsed nothing more is read from the peer."""
        if self._unparsed:
            self._unparsed += data
        else:
            if len(data) > TURN_BYTES:
                self._unparsed = data[TURN_BYTES:]
            super().data_received(data[:TURN_BYTES])
        if self._unparsed:
            self.transport.pause_reading()
            self._go_on()

    def _go_on(self) -> None:
        """See to what is not parsed yet in a turn of the loop to come."""
        if self._unparsed and self._turn is None:
            self._turn = self.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        data = self._unparsed
        if not data or self.read_paused:  # the connection is lost, or `receive` goes on
            return
        self._unparsed = b""
        self._take(data)
        if not self._unparsed and not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            if self._unparsed:
                self._go_on()
            else:
                self.transport.resume_reading()
        return message

    # --- the wire -----------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._set_clear(False)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._pong:
            if not (self.close_sent or self.transport.is_closing()):
                self.transport.write(self._pong)
            del self._pong
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
        told: Any = {"type": "websocket.disconnect", "code": code, "reason": reason, BROKEN: True}
        self.queue.put_nowait(told)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.read_paused, self._unparsed = False, b""
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn's own says 1005: a close frame without a code (RFC 6455, section 7.4.1). Here none has come.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)
        self._place.leave()
        self._unparsed = b""
        self._stop_deadline()
        # What holds each other is let go of here, since the collector comes seldom.
        self.conn.parser.close()
        if self.wire is not None:
            self.wire.end()

    def shutdown(self) -> None:
        self._set_clear(False)
        if self._awaits_answer:
            self._send_away("this gateway stops, another takes over")
        else:
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
                self.conn.send_close(1007, "text is UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        """Parts are joined as they come: a client may send any number of small or empty ones."""
        if event.data:
            self.frames.append(bytes(event.data))
        if len(self.frames) > MOST_PARTS:
            self.frames = [b"".join(self.frames)]
        if event.fin:
            self.send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer it; of a peer that takes nothing only the newest (RFC 6455, section 5.5.3)."""
        if self._failed:
            return
        answers = self.conn.data_to_send()
        if self.writable.is_set() or self.conn.close_sent is not None:
            self.transport.write(b"".join(answers))
        elif answers:
            self._pong = answers[-1]
        self._tell()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self._tell()

    def _tell(self) -> None:
        if self.wire is not None:
            self.wire.heard()
