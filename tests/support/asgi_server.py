"""An application of a test's own behind the gateway's protocol classes, in a thread of this process."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from realtime.http_protocol import HttpProtocol
from realtime.protocol import MAX_FRAME_BYTES
from realtime.websocket_protocol import SocketProtocol
from tests.support.processes import eventually

ANSWER_SECONDS = 5


@contextlib.contextmanager
def serving(
    application: Any, http: Any = HttpProtocol, ws: Any = SocketProtocol, **settings: Any
) -> Iterator[int]:
    """Serve until the block ends; the port. `http` and `ws` as uvicorn takes them."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setblocking(False)
    config = uvicorn.Config(
        application,
        http=http,
        ws=ws,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        **{"ws_max_size": MAX_FRAME_BYTES, **settings},
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]

    def run() -> None:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve([listener]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        eventually(lambda: server.started, what="the server to start")
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()  # one that goes on would count in the next test


class RawConnection:
    """A TCP connection: bytes as they are sent, and bytes as they come."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def end(self) -> None:
        """Send no more, and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def read_until(self, wanted: bytes | Callable[[bytes], bool]) -> bytes:
        """All, once it holds `wanted`; an AssertionError where the server closes first."""
        seen = b""
        while not (wanted(seen) if callable(wanted) else wanted in seen):
            part = self.socket.recv(65_536)
            assert part, f"closed after {seen!r}"
            seen += part
        return seen

    def read_all(self) -> bytes:
        """All until the server closes in order."""
        seen = b""
        while part := self.socket.recv(65_536):
            seen += part
        return seen
