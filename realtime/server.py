"""Serve: listeners, signals, and going down slowly on purpose.

uvicorn would close every socket at once on SIGTERM; here the gateway drains first, while HTTP goes on,
and the server ends after it.
"""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from realtime.gateway import Gateway
from realtime.protocol import MAX_FRAME_BYTES, CloseCode
from realtime.routing import Application
from realtime.slim import Gate, Inbox
from realtime.wire import EXTENSION, Wire

logger = logging.getLogger(__name__)

BACKLOG = 2048
PING_SECONDS = 90.0  # of a client that says nothing; to it there are heartbeats, which keep proxies awake
KEEP_ALIVE_SECONDS = 75
COLLECT_AFTER = (50_000, 20, 50)
# How long the kernel waits for a peer to acknowledge what it was sent: a laptop that went to sleep is
# gone after a minute and not after the quarter of an hour that TCP would give it.
UNACKNOWLEDGED_MS = 60_000


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which lets go of its parser in the end: each holds the other."""

    _in_head = True

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer, which must not pass for a header (RFC 9110, section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        del self.parser

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        del self.parser


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, which also offers the application its wire: see `realtime.wire`."""

    wire: Wire | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # The socket may stay for hours; the parser remembers the request for as long.
            self.request.headers.clear()
            del self.request, self.response

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.wire = Wire(self.transport.write, self._close, self.transport.abort)
            extensions: dict[Any, Any] = self.scope["extensions"] or {}
            extensions[EXTENSION] = self.wire

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
        self._set_clear(False)
        super().handle_parser_exception()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
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
        super().handle_ping()
        self._tell()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self._tell()

    def _tell(self) -> None:
        if self.wire is not None:
            self.wire.heard()


class GatewayServer(uvicorn.Server):
    """SIGTERM drains over the window; SIGINT, or a second signal, stops at once."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, drain_window: float) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._drain_window = drain_window
        self._going: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self._going is not None:
            self.should_exit = self.force_exit = True
            return
        restart = sig == signal.SIGTERM
        window, code = (self._drain_window, CloseCode.RESTART) if restart else (0.0, CloseCode.GOING_AWAY)
        # From a signal handler, so by way of the loop.
        self._loop.call_soon_threadsafe(self._go, window, code)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._gateway.ensure_started()
        await super().serve(sockets)
        await self._gateway.stop()

    def _go(self, window: float, code: CloseCode) -> None:
        if self._going is None:
            self._going = asyncio.ensure_future(self._drain(window, code))

    async def _drain(self, window: float, code: CloseCode) -> None:
        logger.info("draining %d sockets over %.1f s", len(self._gateway.connections), window)
        try:
            await self._gateway.drain(window, code)
        finally:
            self.should_exit = True


def listen(host: str, port: int, shared: bool = False) -> socket.socket:
    """A listening socket; an IPv6 one takes IPv4 too. `shared`: beside others on the port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def serve(
    application: Application, listeners: list[socket.socket], drain_window: float, started: Callable[[], None]
) -> None:
    """Serve until a signal ends it. `drain_window` in seconds; `started` is called once it answers."""
    config = uvicorn.Config(
        application,
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        # Pings keep a quiet client's last-frame time fresh; who answers none is closed as idle.
        ws_ping_interval=min(PING_SECONDS, application.gateway.policy.idle_timeout / 3),
        ws_ping_timeout=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
    )
    server = GatewayServer(config, application.gateway, drain_window)
    _collect_seldom()

    async def run() -> None:
        announcing = asyncio.create_task(_when_started(server, started))
        await server.serve(listeners)
        announcing.cancel()

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


def _collect_seldom() -> None:
    """Keep the garbage collector from walking every socket's objects again and again.

    What the imports have made stays for good and is looked at no more. A socket leaves nothing to collect.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _when_started(server: uvicorn.Server, started: Callable[[], None]) -> None:
    while not server.started:  # noqa: ASYNC110  uvicorn offers nothing to wait on
        await asyncio.sleep(0.01)
    started()
