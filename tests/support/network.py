"""The network between a browser and the gateways, as an HTTP proxy that a test can cut.

A browser asks a proxy to CONNECT for WebSockets alone, as long as its pages come over plain HTTP. So sockets
and requests can be told apart and broken apart, on the real wire: a socket that dies, a company's proxy that
lets none through, a network that is gone.
"""

import contextlib
import selectors
import socket
import threading
from urllib.parse import urlsplit

CHUNK = 65_536
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
WELCOME = b"HTTP/1.1 200 Connection established\r\n\r\n"
UPSTREAM_SECONDS = 5


class Network:
    """A proxy on a port of its own. `sockets` and `requests` say what may pass from now on."""

    def __init__(self) -> None:
        self.sockets = True
        self.requests = True
        self._tunnels: set[socket.socket] = set()
        self._others: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Chromium goes around a proxy for addresses of the machine itself, unless it is told not to.
        self.for_context = {
            "server": f"http://127.0.0.1:{self._listener.getsockname()[1]}",
            "bypass": "<-loopback>",
        }
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_sockets(self) -> None:
        """End every WebSocket without a close frame and let no new one through."""
        self.sockets = False
        _cut(self._tunnels)

    def cut(self) -> None:
        """Nothing gets through any more, and what was under way breaks off."""
        self.requests = False
        self.cut_sockets()
        _cut(self._others)

    def mend(self) -> None:
        self.sockets = self.requests = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the end
            while True:
                browser, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(browser,), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), browser:
            head = browser.recv(CHUNK)
            verb, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            is_socket = verb == "CONNECT"
            if not (self.sockets if is_socket else self.requests):
                return browser.sendall(REFUSAL) if is_socket else None
            address = urlsplit(f"//{target}" if is_socket else target)
            with socket.create_connection(
                (address.hostname, address.port or 80), UPSTREAM_SECONDS
            ) as gateway:
                gateway.settimeout(None)
                gateway.sendall(b"" if is_socket else head)
                browser.sendall(WELCOME if is_socket else b"")
                self._pass_on(browser, gateway, self._tunnels if is_socket else self._others)
        return None

    def _pass_on(self, browser: socket.socket, gateway: socket.socket, group: set[socket.socket]) -> None:
        group |= {browser, gateway}
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(browser, selectors.EVENT_READ, gateway)
                ready.register(gateway, selectors.EVENT_READ, browser)
                while True:
                    for key, _ in ready.select():
                        received = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                        if not received:
                            return
                        key.data.sendall(received)
        finally:
            group -= {browser, gateway}


def _cut(group: set[socket.socket]) -> None:
    for end in list(group):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
