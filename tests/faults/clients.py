"""Clients of every transport, written with some care: they come back, and go on from where they were."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.faults.replica import Replica
from tests.support.api import bearer
from tests.support.processes import ROOT

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 4.0
LONG_POLL_MS = 5000
REALTIME_OFF = 4000
LOST = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, InvalidMessage, EOFError)


class Backoff:
    """Full jitter: a random wait up to a bound that doubles with each attempt in vain."""

    def __init__(
        self, rng: random.Random, first: float = FIRST_WAIT_SECONDS, longest: float = LONGEST_WAIT_SECONDS
    ) -> None:
        self._rng = rng
        self._first, self._longest = first, longest
        self._attempt = 0

    def succeeded(self) -> None:
        self._attempt = 0

    async def wait(self) -> None:
        most = min(self._longest, self._first * 2**self._attempt)
        self._attempt += 1
        await asyncio.sleep(self._rng.uniform(0, most))


class Client:
    """Feeds one replica until it is cancelled. `url` is the balancer's; `http` all clients share."""

    sticky = False  # whether all its requests must reach the same gateway

    def __init__(
        self, name: str, project: str, url: str, token: str, rng: random.Random, http: httpx.AsyncClient
    ) -> None:
        self.replica = Replica(name, project)
        self.url = url
        self.token = token
        self.rng = rng
        self.backoff = Backoff(rng)
        self.closes: list[tuple[float, int]] = []  # when, by the monotonic clock, and with which code
        self.connects: list[float] = []
        self._http = http
        self.mode = self.home = "socket"  # how it is fed now, and how where everything works

    async def run(self) -> None:
        try:
            while True:
                with contextlib.suppress(httpx.HTTPError, *LOST):
                    await self.follow()
                self.replica.detach()
                await self.backoff.wait()
        finally:
            self.replica.detach()

    async def follow(self) -> None:
        """Stay connected as long as that goes."""
        raise NotImplementedError

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self._http.get(path, params=params, headers=bearer(self.token))

    async def load(self) -> None:
        """Take the board afresh."""
        answer = await self.get(f"/api/projects/{self.replica.project}/board/", include="commentCounts")
        self.replica.load(answer.raise_for_status().json())

    def level(self) -> None:
        """The connection stands and feeds the replica from now on."""
        self.backoff.succeeded()
        self.connects.append(time.monotonic())
        self.replica.attach()

    async def poll(self, wait: int, enough: Callable[[], Awaitable[bool]]) -> None:
        """Ask for events again and again, after `pollAfterMs`, until `enough`; with `wait`, long polls."""
        while not await enough():
            path = f"/api/projects/{self.replica.project}/events/"
            answer = await self.get(path, since=self.replica.seq, wait=wait)
            if answer.status_code == httpx.codes.GONE:
                await self.load()
                continue
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                continue
            page = answer.raise_for_status().json()
            if not self.replica.connected:
                self.level()
            for event in page["events"]:
                self.replica.take(event)
            await asyncio.sleep(page["pollAfterMs"] / 1000)

    async def poll_until_realtime_is_back(self) -> None:
        """Real-time is off: go on from the same cursor by polling, and look often whether it is back."""

        async def is_back() -> bool:
            return bool((await self.get("/api/realtime/")).raise_for_status().json()["realtime"])

        self.replica.detach()
        self.mode = "polling"
        try:
            await self.poll(0, is_back)
        finally:
            self.mode = self.home


class SocketClient(Client):
    """A plain WebSocket: JSON frames, `project:join` with `since`."""

    open_seconds = 3.0
    ping_seconds = 1.0
    silence_seconds = 3.0  # without any frame: the line is dead, whatever TCP says

    async def follow(self) -> None:
        if self.replica.board is None:
            await self.load()
        headers = bearer(self.token)
        address = self.url.replace("http", "ws", 1) + "/ws"
        async with connect(
            address,
            additional_headers=headers,
            open_timeout=self.open_seconds,
            close_timeout=0.5,
            max_size=None,
            proxy=None,
        ) as socket:
            try:
                await self.converse(socket)
            except TimeoutError:
                code = 1006  # nothing was heard any more
                self.closes.append((time.monotonic(), code))
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                self.closes.append((time.monotonic(), code))
        if code == REALTIME_OFF:
            await self.poll_until_realtime_is_back()

    async def converse(self, socket: ClientConnection) -> None:
        data = {"projectId": self.replica.project, "since": self.replica.seq}
        await socket.send(json.dumps({"id": 1, "event": "project:join", "data": data}))
        pinging = asyncio.ensure_future(self._ping(socket))
        try:
            while True:
                await self.hear(json.loads(await asyncio.wait_for(socket.recv(), self.silence_seconds)))
        finally:
            pinging.cancel()

    async def hear(self, frame: dict[str, Any]) -> None:
        if "seq" in frame:
            self.replica.take(frame)
        elif frame.get("id") == 1 and frame["event"] == "ack":
            self.level()
        elif frame["event"] == "error" and frame["data"]["code"] == "history-trimmed":
            await self.load()
            raise TimeoutError

    async def _ping(self, socket: ClientConnection) -> None:
        with contextlib.suppress(*LOST):
            while True:
                await asyncio.sleep(self.ping_seconds)
                await socket.send('{"id":2,"event":"ping"}')


class OneOfMany(SocketClient):
    """A socket whose replica is light, and that is content with the gateway's own heartbeats.

    It goes to one of the `gateways` by itself: the balancer of the rig would cost more than all else.
    It waits between its attempts as the browser's client does, and for its turn at a gateway that is busy: a
    thousand that try more often, and give up sooner, keep the whole machine from what they wait for.
    """

    open_seconds = 30.0
    ping_seconds = 10.0
    silence_seconds = 30.0
    gateways: Sequence[str] = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.replica.light = True
        self.backoff = Backoff(self.rng, first=1.0, longest=30.0)

    async def follow(self) -> None:
        self.url = self.rng.choice(self.gateways)
        await super().follow()


class SocketIOClient(Client):
    """The real socket.io-client in a Node process; it comes back by itself."""

    transports = "websocket"

    async def follow(self) -> None:
        if self.replica.board is None:
            await self.load()
        node = await asyncio.create_subprocess_exec(
            *("node", "tests/support/socketio_client.mjs", self.url, self.transports, self.token),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**22,
        )
        assert node.stdin is not None
        assert node.stdout is not None
        refused = None
        try:
            async for line in node.stdout:
                fact = json.loads(line)
                self._told(fact, node.stdin)
                if fact["is"] == "ack" and fact["answer"].get("code") == "history-trimmed":
                    await self.load()
                    break
                if fact["is"] == "refused" and not fact["again"]:
                    refused = fact["data"] and fact["data"]["code"]
                    break
        finally:
            with contextlib.suppress(ProcessLookupError):
                node.kill()
            await node.wait()
        if refused == "realtime-off":
            await self.poll_until_realtime_is_back()

    def _told(self, fact: dict[str, Any], node: asyncio.StreamWriter) -> None:
        match fact["is"]:
            case "connect":
                data = {"projectId": self.replica.project, "since": self.replica.seq}
                node.write(json.dumps({"event": "project:join", "data": data}).encode() + b"\n")
            case "ack" if "seq" in fact["answer"]:
                self.level()
            case "event" if isinstance(fact["payload"], dict) and "seq" in fact["payload"]:
                self.replica.take(fact["payload"])
            case "disconnect":
                self.replica.detach()


class SocketIOPollingClient(SocketIOClient):
    """The same, by Socket.IO's own long polling."""

    transports = "polling"
    sticky = True


class PollingClient(Client):
    """Polls; with a `wait` in milliseconds, long polls."""

    wait = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.mode = self.home = "polling"

    async def follow(self) -> None:
        if self.replica.board is None:
            await self.load()
        await self.poll(self.wait, never)


async def never() -> bool:
    return False


class LongPollingClient(PollingClient):
    wait = LONG_POLL_MS


OTHERS: tuple[type[Client], ...] = (
    LongPollingClient,
    SocketIOClient,
    PollingClient,
    SocketIOPollingClient,
    LongPollingClient,
)


def crowd(count: int) -> list[type[Client]]:
    """`count` clients: half of them plain sockets, the rest shared out, in pairs of a kind."""
    return [SocketClient if place % 4 < 2 else OTHERS[place // 4 % len(OTHERS)] for place in range(count)]


async def gather_quietly(tasks: list["asyncio.Task[None]"]) -> None:
    """Cancel and wait; what they raised before counts.

    Again and again: before Python 3.12 `wait_for` may swallow a cancellation (python/cpython#81839).
    """
    while any(not task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=1)
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
