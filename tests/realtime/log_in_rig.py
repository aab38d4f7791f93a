"""Somebody who has logged in by the page's form, and what they open by the cookie of their session."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.metrics import read_metric
from tests.support.people import Person
from tests.support.processes import eventually
from tests.support.socketio import SocketIOClient
from tests.support.sockets import Socket
from tests.support.stack import Stack


class Browser:
    """Somebody who has logged in by the page's form; what they open is closed with it."""

    def __init__(self, stack: Stack, person: Person) -> None:
        self.stack = stack
        self.person = person
        self.client = httpx.Client(base_url=stack.first.http_url, timeout=40)
        self._open = ExitStack()
        self._open.enter_context(self.client)
        self._threads = self._open.enter_context(ThreadPoolExecutor(4))
        self.submit("/login", **person.credentials)
        self.key = self.client.cookies["sessionid"]

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """Send one of the pages' forms."""
        self.client.get("/login")
        form = {"csrfmiddlewaretoken": self.client.cookies["csrftoken"], **fields}
        answer = self.client.post(path, data=form, headers={"Origin": self.stack.first.http_url})
        assert answer.status_code == httpx.codes.FOUND, answer.text[:500]
        return answer

    def socket(self, gateway: Gateway) -> Socket:
        """A WebSocket by the session's cookie, past its `hello`."""
        socket = Socket(gateway.ws_url, origin=gateway.web_url, headers=cookie(self.key))
        self._open.callback(socket.close)
        assert socket.wait_for("hello")["data"]["user"] is not None
        return socket

    def socketio(self, gateway: Gateway, transport: str) -> SocketIOClient:
        """A Socket.IO client by the session's cookie, past its `hello`."""
        headers = {**cookie(self.key), "Origin": gateway.web_url}
        client = self._open.enter_context(SocketIOClient(gateway.http_url, transport, headers=headers))
        assert client.event("hello")["user"] is not None
        return client

    def poll(self, gateway: Gateway, board: Board, **params: int) -> httpx.Response:
        """As a page does it: with the cookie of this session, whatever has become of it."""
        url = f"{gateway.http_url}{board.path}/events/"
        return httpx.get(url, params=params, headers=cookie(self.key), timeout=40)

    def wait(self, gateway: Gateway, board: Board) -> "Future[tuple[float, httpx.Response]]":
        """A long poll that the gateway holds: when it was answered, and the answer."""
        before = waiting(gateway)

        def answer() -> tuple[float, httpx.Response]:
            found = self.poll(gateway, board, since=board.seq, wait=30_000)
            return time.monotonic(), found

        held = self._threads.submit(answer)
        eventually(lambda: waiting(gateway) > before, what="the poll to be held")
        return held

    def close(self) -> None:
        self._open.close()


Enter = Callable[[Stack, Person], Browser]


def cookie(key: str) -> dict[str, str]:
    return {"Cookie": f"sessionid={key}"}


def waiting(gateway: Gateway) -> float:
    """Long polls that a gateway holds."""
    return read_metric(gateway.http_url, "polling_waiting_requests")
