"""Clients that send anything: over a WebSocket of ours, and over one of Socket.IO.

Each checks what comes back: no `internal` error, and no close that a fault of the gateway's would be.
"""

import json
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

WAIT_SECONDS = 10
QUIET_SECONDS = 0.3  # after which a packet is taken for one that gets no answer
# In order, protocol errors, too large; log in, not allowed, idle, too many.
ALLOWED_CLOSES = {1000, 1002, 1005, 1007, 1009, 4401, 4403, 4408, 4503}


class PlainClient:
    """Our own frames. `open` until either side has closed it."""

    def __init__(self, url: str, **options: Any) -> None:
        self.open = True
        self._resources = ExitStack()
        self._connection: ClientConnection | None = None
        self._asked = 0
        try:
            opening = connect(
                url, open_timeout=WAIT_SECONDS, close_timeout=1, max_size=None, proxy=None, **options
            )
            self._connection = self._resources.enter_context(opening)
        except InvalidStatus as refused:
            self._refused(refused.response.status_code)
        except InvalidHandshake:  # the client refuses what the gateway has agreed to
            self._refused(400)

    def send(self, message: str | bytes, as_text: bool = True) -> None:
        if self._connection is None or not self.open:
            return
        try:
            self._connection.send(message.encode() if isinstance(message, str) else message, text=as_text)
        except ConnectionClosed as closed:
            self._ended(closed)

    def settle(self) -> None:
        self._asked += 1
        wanted = f"settled-{self._asked}"
        self.send(json.dumps({"id": wanted, "event": "ping"}))
        self.read_until(lambda text: json.loads(text).get("id") == wanted)

    def read_until(self, wanted: Callable[[str], bool], seconds: float = WAIT_SECONDS) -> str | None:
        """The first message for which that holds; None where the connection ends or stays quiet."""
        deadline = time.monotonic() + seconds
        while self._connection is not None and self.open:
            try:
                text = str(self._connection.recv(timeout=max(0.0, deadline - time.monotonic())))
            except ConnectionClosed as closed:
                self._ended(closed)
            except TimeoutError:
                assert seconds < WAIT_SECONDS, "the gateway does not answer any more"
                return None
            else:
                assert '"code":"internal"' not in text, text[:1000]
                if wanted(text):
                    return text
        return None

    def _refused(self, status: int) -> None:
        self.open = False
        assert status < 500

    def _ended(self, closed: ConnectionClosed) -> None:
        self.open = False
        code = closed.rcvd.code if closed.rcvd else 1006
        assert code in ALLOWED_CLOSES, closed

    def close(self, code: int = 1000) -> None:
        self.open = False
        if self._connection is not None:
            self._connection.close(code)
        self._resources.close()


class SocketIOClient(PlainClient):
    """Packets of Engine.IO and Socket.IO, over the transport of a WebSocket."""

    def __init__(self, url: str, token: str | None) -> None:
        super().__init__(f"{url}socket.io/?EIO=4&transport=websocket")
        self.read_until(lambda text: text.startswith("0"))
        self.send("40" + (json.dumps({"token": token}) if token else ""))
        self.read_until(lambda text: text.startswith(("40", "44")))

    def settle(self) -> None:
        self._asked += 1
        wanted = f"43{1_000_000 + self._asked}["
        self.send(f"42{1_000_000 + self._asked}" + '["ping",{}]')
        if self.read_until(lambda text: re.match(re.escape(wanted), text) is not None, QUIET_SECONDS) is None:
            self.close()  # it has left the namespace: nothing more would be answered
