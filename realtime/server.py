"""Serve: listeners, signals, and going down slowly on purpose.

uvicorn would close every socket at once on SIGTERM; here the gateway drains first, while HTTP goes on,
and the server ends after it.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from django.conf import settings

from realtime.gateway import Gateway
from realtime.http_protocol import HttpProtocol
from realtime.plain_connections import PlainConnections
from realtime.protocol import MAX_FRAME_BYTES, CloseCode
from realtime.routing import Application
from realtime.websocket_protocol import SocketProtocol

logger = logging.getLogger(__name__)

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
SAME_SIGNAL_SECONDS = 1.0  # what comes so soon after a signal is the same one, by another way
ENDING_SECONDS = 5.0  # for the last writes, and for threads that are still at work for requests
COLLECT_AFTER = (50_000, 20, 50)
# How long the kernel waits for a peer to acknowledge what it was sent: a laptop that went to sleep is
# gone after a minute and not after the quarter of an hour that TCP would give it.
UNACKNOWLEDGED_MS = 60_000


class GatewayServer(uvicorn.Server):
    """SIGTERM and SIGHUP drain over the window; SIGINT, or a second signal, stops at once.

    A signal may come twice: a terminal or systemd sends it to the whole group, and a supervisor hands it on.
    """

    def __init__(self, config: uvicorn.Config, gateway: Gateway, drain_window: float) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._drain_window = drain_window
        self._going: asyncio.Task[None] | None = None
        self._told_at: float | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        now = time.monotonic()
        if self._told_at is not None:
            if now - self._told_at > SAME_SIGNAL_SECONDS and sig != signal.SIGHUP:
                self.should_exit = self.force_exit = True
            return
        self._told_at = now
        restart = sig != signal.SIGINT
        window, code = (self._drain_window, CloseCode.RESTART) if restart else (0.0, CloseCode.GOING_AWAY)
        # From a signal handler, so by way of the loop.
        self._loop.call_soon_threadsafe(self._go, window, code)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            signal.signal(signal.SIGHUP, self.handle_exit)
        self._gateway.ensure_started()
        await super().serve(sockets)
        _end_within(ENDING_SECONDS)
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
    """A listening socket; an IPv6 one takes IPv4 too. Raises OSError.

    shared: beside others on the port; it listens once a worker serves on it, so that nobody who comes before
        waits for a process that still starts
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    if not shared:
        listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def serve(
    application: Application, listeners: list[socket.socket], drain_window: float, started: Callable[[], None]
) -> None:
    """Serve until a signal ends it. `drain_window` in seconds; `started` is called once it answers."""
    places = PlainConnections(
        settings.MAX_PLAIN_CONNECTIONS, settings.MAX_PLAIN_CONNECTIONS_PER_ADDRESS, settings.TRUSTED_PROXIES
    )
    config = uvicorn.Config(
        application,
        http=partial(HttpProtocol, places=places),  # type: ignore[arg-type]
        ws=SocketProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # the round of the sockets asks who is quiet: see realtime.rounds
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


def _end_within(seconds: float) -> None:
    """End the process then, whatever a thread still waits for.

    Python itself waits at its end for all of them, and one of them may wait for a database that hangs.
    """

    def end() -> None:
        logger.warning("ended with threads that still wait, for a database that does not answer perhaps")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


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
