"""An echo behind the gateway's Engine.IO code and its server: for what no command makes it say."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.connection import Close
from realtime.engineio import EngineSession, Heartbeat
from realtime.engineio_requests import Refusal, Request
from realtime.engineio_server import EngineServer
from realtime.socketio_packets import EngineType, Message
from tests.support.asgi_server import serving

HEARTBEAT = Heartbeat(interval=0.3, timeout=1.0)


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


@contextmanager
def echo_server() -> Iterator[str]:
    """The address of one that runs in a thread."""
    engines = EngineServer(HEARTBEAT)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send)
        if request.is_websocket:
            await receive()
        try:
            await engines.handle(request, Echo)
        except Refusal as refusal:
            await request.refuse(refusal)

    with serving(application) as port:
        yield f"http://127.0.0.1:{port}"
