"""The HTTP/1.1 side of a connection: bounds of what is read, and the step to a WebSocket.

uvicorn's class reads requests by llhttp and knows no bounds. It writes each handshake out again for a second
parser, whose bounds are others. Here a handshake is read once, and all requests have the same bounds.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from websockets.http11 import Request

from realtime import request_heads
from realtime.acknowledgement import CountedWrites
from realtime.plain_connections import PlainConnections
from realtime.problems import RETRY_SOON
from realtime.rare_log import RareLog
from realtime.refusals import refuse
from realtime.request_heads import Reading, RefusedRequest
from realtime.responses import answer_asterisk
from realtime.unread_answers import ReaderWatch, UnreadAnswers
from realtime.wire import ANSWER_LOST, CLIENT_LEFT, COUNTED_ELSEWHERE

refusals = RareLog(logging.getLogger(__name__))

HEAD_SECONDS = 20.0  # from the first byte of a head that comes in parts to its last
# A client that is refused while it sends may read the answer for so long: a reset would take it away.
LINGER_SECONDS = 2.0
MAX_PIPELINED = 100  # requests of one connection that wait for the answers before theirs
ENDING_SECONDS = 0.5  # of a connection by which nothing is asked, once the server ends
CUT_SHORT = (
    "this gateway stops and could not wait for the answer: send a write again with the same Idempotency-Key"
)


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket, among those that it is counted with."""

    unread = UnreadAnswers()  # of this process

    def __init__(self, *args: Any, places: PlainConnections | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places or PlainConnections()
        self.url = b""
        self._reading = Reading.IDLE
        self.headers = []
        self._asked: request_heads.HeaderList = self.headers  # without trailers
        self._unfinished = 0  # bytes of a line whose end has not come
        self._body_part = b""
        self._head_timer: asyncio.TimerHandle | None = None
        self._early = b""  # what came behind a handshake
        self._half_closed = False
        self._awaits_leaving = False
        self._when_answered: Callable[[], None] | None = None  # what waits for the answers before it

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else "a local client"

    @property
    def _is_answered(self) -> bool:
        """Whether nothing that was asked here still waits for its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    # --- the connection -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._answers = CountedWrites(transport)
        peer = self.client and self.client[0]
        self._reader = ReaderWatch(self._answers, peer, self.unread, self._give_up_reader)
        self._place = self._places.arrive(peer, self._answers.end)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # HAProxy resets each connection that it needs no more: that alone says nothing of the last answer.
        if exc is not None and not (self._is_answered and self._answers.is_taken(by_reset=True)):
            self._tell_of_loss()
        self._stop_timers()
        self._reader.close()
        self._place.leave()
        self._when_answered = None
        del self.parser  # the two hold each other

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader.begin()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reader.end()
        self._rest()

    def _give_up_reader(self) -> None:
        refusals.warning("reader", "cut off an answer to %s, who hardly reads it", self._address)
        self._tell_of_loss()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._reading is Reading.NOTHING:
            return
        try:
            self._read(data)
        except RefusedRequest as refusal:
            self._refuse(refusal)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more, but may still read what it has asked for (RFC 9112, section 9.6).

        A long poll waits for its client to leave, and takes this for it: both look the same.
        """
        self._half_closed = True
        if self._awaits_leaving or not self._answers.is_taken(by_reset=False):
            self._tell_of_loss()
        if self._reading is Reading.BODY:
            self._refuse(RefusedRequest(400, "the request ended before its body did"))
        return not (self._is_answered or self._awaits_leaving)

    def shutdown(self) -> None:
        """The server ends: a request that has begun, or may be on its way, is answered before."""
        if self._reading is Reading.IDLE and self._is_answered:
            self.loop.call_later(ENDING_SECONDS, self._close_idle)
        elif self._reading is not Reading.HEAD or not self._is_answered:
            super().shutdown()

    def _close_idle(self) -> None:
        if self._reading is Reading.IDLE and self._is_answered:
            self.transport.close()

    def _rest(self) -> None:
        """Its place is another's to take, if nothing goes on here."""
        if self._reading is Reading.IDLE and self._is_answered and not self.flow.write_paused:
            self._place.rest()

    def _await_request(self) -> None:
        self._rest()
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _stop_timers(self) -> None:
        self._unset_keepalive_if_required()
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    # --- requests -----------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        if self._reading is Reading.HANDSHAKE:
            self._early += data
            request_heads.check_size(b"", [], len(self._early))
            return
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._reading in (Reading.HEAD, Reading.BODY):
            self._check_unfinished(data)
        if self._reading is Reading.HEAD:
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)
        elif self._reading is not Reading.NOTHING and self._is_answered:
            self._await_request()

    def _check_unfinished(self, data: bytes) -> None:
        """Of a head or of trailers: the lines so far, and one of which the parser has not told yet."""
        end = data.rfind(b"\n") + 1
        self._unfinished = len(data) - end + (0 if end else self._unfinished)
        if self._body_part and data.endswith(self._body_part):
            self._unfinished = 0
        self._body_part = b""
        request_heads.check_size(self.url, self.headers, self._unfinished)

    def _parse(self, data: bytes) -> None:
        """Raises RefusedRequest, also what a callback of the parser has raised."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                behind = data[upgrade.args[0] :]
                method, version = self.scope["method"], self.scope["http_version"]
                if request_heads.asks_for_websocket(method, version, self.headers):
                    self._begin_handshake(behind)
                    return
                # The parser takes what follows for the other protocol: a body would be lost.
                data = request_heads.without_upgrade(method, self.url, version, self.headers) + behind
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            except httptools.HttpParserError as error:
                if isinstance(error.__context__, RefusedRequest):
                    raise error.__context__ from None
                raise RefusedRequest(400, f"this is no HTTP/1.1 request: {error}") from None
            else:
                return

    def _head_too_slow(self) -> None:
        self._refuse(RefusedRequest(408, f"the head of a request comes within {HEAD_SECONDS:g} s"))

    # --- callbacks of the parser --------------------------------------------------------------

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise RefusedRequest(429, f"expected at most {MAX_PIPELINED} requests ahead of their answers")
        super().on_message_begin()
        self._asked = self.headers
        extensions: dict[Any, Any] = {COUNTED_ELSEWHERE: self._place.hold}
        self.scope["extensions"] = extensions
        self._reading = Reading.HEAD
        self._place.begin()
        self._unfinished = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Blanks around a value are no part of it (RFC 9112, section 5); the parser leaves some behind it."""
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        request_heads.check_size(self.url, self.headers)
        version = self.parser.get_http_version()
        if version not in request_heads.VERSIONS:
            raise RefusedRequest(505, f"expected HTTP/1.1 or HTTP/1.0, got HTTP/{version}")
        if version == "1.0":
            self.expect_100_continue = False  # RFC 9110, section 10.1.1
        method = self.parser.get_method().decode()
        self.url = request_heads.origin_form(method, self.url, self.headers)
        if self.parser.should_upgrade():  # `_parse` knows what to do once the parser has stopped
            self.scope["method"], self.scope["http_version"] = method, version
            return
        if (full := self._place.take(self.url, self.headers)) is not None:
            raise RefusedRequest(503, full.reason, RETRY_SOON)
        self._reading = Reading.BODY
        super().on_headers_complete()
        self.headers = []  # for trailers: the application must not take them for headers

    def on_body(self, body: bytes) -> None:
        self._body_part = body
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._reading is Reading.BODY:
            super().on_message_complete()
            self._reading = Reading.IDLE

    # --- answers ------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.transport = cast("asyncio.Transport", self._answers)
        answering = answer_asterisk if cycle.scope["path"] == "*" else partial(self._run, cycle, app)
        super()._start_asgi_task(cycle, answering)

    async def _run(self, cycle: RequestResponseCycle, app: Any, scope: Any, receive: Any, send: Any) -> None:
        is_read = False

        async def receive_or_leave() -> Any:
            nonlocal is_read
            if is_read:  # nothing but the client's leaving can come
                self._awaits_leaving = True
                if self._half_closed:
                    self._tell_of_loss()
                    self.transport.close()
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def send_counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._answers.expect(message.get("headers", ()))
            await send(message)

        try:
            await app(scope, receive_or_leave, send_counted)
        except asyncio.CancelledError:
            await self._cut_short(cycle)

    async def _cut_short(self, cycle: RequestResponseCycle) -> None:
        """The server ends and waits for an answer no longer: whether a write was saved is not known."""
        if cycle.response_started or self.flow.write_paused:
            cycle.disconnected = True
            self.transport.close()
            return
        await refuse(cycle.scope, cycle.receive, cycle.send, 503, "unavailable", CUT_SHORT, RETRY_SOON)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:  # what waits is answered before more is read
            self.flow.pause_reading()
        self._rest()
        self._awaits_leaving = False
        if ANSWER_LOST in self._extensions:
            self._answers.mark()
        if not self._is_answered or self.transport.is_closing():
            return
        if self._when_answered is not None:
            then, self._when_answered = self._when_answered, None
            then()
        elif self._half_closed:
            self.transport.close()

    @property
    def _extensions(self) -> dict[Any, Any]:
        """What is agreed with whoever answers the last request."""
        cycle: RequestResponseCycle | None = self.cycle
        return {} if cycle is None else cycle.scope.get("extensions") or {}

    def _tell_of_loss(self) -> None:
        """The client takes no answer any more, or not all of the last: who gave it may want to know."""
        extensions = self._extensions
        extensions[CLIENT_LEFT] = True
        if (act := extensions.get(ANSWER_LOST)) is not None:
            act()

    # --- refusals -----------------------------------------------------------------------------

    def _refuse(self, refusal: RefusedRequest) -> None:
        """Answer it after what was asked before, and read nothing more."""
        told = "refused a request of %s with %d: %s"
        refusals.warning(str(refusal.status), told, self._address, refusal.status, refusal.detail)
        answer, is_cut = self._told(refusal), self._reading is Reading.BODY
        self._reading = Reading.NOTHING
        self._stop_timers()
        if self._is_answered:
            self._write_last(answer)
        elif not is_cut:
            self._when_answered = partial(self._write_last, answer)
        else:
            self._break_off(answer)

    def _told(self, refusal: RefusedRequest) -> bytes:
        # Of a request whose first line ends in its method, the parser still tells that of the one before.
        knows_method = self._reading is not Reading.IDLE and (self.url or self.cycle is None)
        is_head = bool(knows_method and self.parser.get_method() == b"HEAD")
        return refusal.answer(self.url, self._asked, is_head)

    def _break_off(self, answer: bytes) -> None:
        """The refused request has been handed to the application, or waits for it."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline[0] = (self.cycle, partial(self._answer_in_turn, answer))
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._answer_cut(answer)

    async def _answer_in_turn(self, answer: bytes, *_: Any) -> None:
        self._answer_cut(answer)

    def _answer_cut(self, answer: bytes) -> None:
        self.cycle.response_complete = True
        self._write_last(answer)

    def _write_last(self, answer: bytes) -> None:
        self._unset_keepalive_if_required()
        self.transport.write(answer)
        if self._half_closed or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.timeout_keep_alive_task = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    # --- WebSockets ---------------------------------------------------------------------------

    def _begin_handshake(self, early: bytes) -> None:
        request = request_heads.handshake(self.url, self.headers)
        self._place.shake_hands(self.headers)
        self._early, self._reading = early, Reading.HANDSHAKE
        if self._is_answered:
            self._switch(request)
        else:
            self._when_answered = partial(self._switch, request)

    def _switch(self, request: Request) -> None:
        self._reading = Reading.NOTHING
        self._stop_timers()
        self._reader.close()
        if self._half_closed:  # while it waited: a WebSocket needs both halves
            self.transport.close()
            return
        self.connections.discard(self)
        protocol: Any = self.config.ws_protocol_class(  # type: ignore[call-arg, misc]
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        if self.flow.write_paused:
            protocol.pause_writing()
        self.flow.resume_reading()
        protocol.begin(request, self.headers, self._early, self._place)
        del self.parser
