"""An echo behind the gateway's Engine.IO code and its server: for what no command makes it say."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from realtime.connection import Close
from realtime.engineio import EngineSession, Heartbeat
from realtime.engineio_requests import Refusal, Request
from realtime.engineio_server import EngineServer
from realtime.http_protocol import HttpProtocol
from realtime.socketio_packets import EngineType, Message
from realtime.websocket_protocol import SocketProtocol

HEARTBEAT = Heartbeat(interval=0.3, timeout=1.0)
START_SECONDS = 10


class Echo:
    """Sends each message back."""

    def __init__(self, engine: EngineSession) -> None:
        self._engine = engine
        self._waiting: deque[str] = deque()
        self.closing: Close | None = None

    def take(self, characters: int) -> list[str]:
        taken = [EngineType.MESSAGE + message for message in self._waiting]
        self._waiting.clear()
        return taken

    def read(self, message: Message) -> Message:
        if message == "break":
            raise RuntimeError("this conversation breaks")
        return message

    async def handle(self, packet: Any) -> None:
        if packet == "fail":
            raise ValueError("this handler fails")
        if packet == "end":
            self.closing = Close(4400, "as asked for")
        else:
            self._waiting.append(str(packet))
        self._engine.wake()

    def heard(self) -> None:
        pass

    def ended(self, close: Close) -> None:
        pass


class EchoServer:
    """Listens on a port of its own; `engines` are its sessions."""

    def __init__(self) -> None:
        self.engines = EngineServer(HEARTBEAT)
        config = uvicorn.Config(
            self._application,
            port=0,
            interface="asgi3",
            http=HttpProtocol,
            ws=SocketProtocol,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send)
        if request.is_websocket:
            await receive()
        try:
            await self.engines.handle(request, Echo)
        except Refusal as refusal:
            await request.refuse(refusal)


@contextmanager
def echo_server() -> Iterator[str]:
    """The address of one that runs in a thread."""
    running = EchoServer()
    thread = threading.Thread(target=lambda: asyncio.run(running.server.serve()))
    thread.start()
    waiting = threading.Event()
    for _ in range(START_SECONDS * 100):
        if running.server.started:
            break
        waiting.wait(0.01)
    port = running.server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.server.should_exit = True
        thread.join()
