"""Engine.IO by hand: a client that does nothing by itself, so that a test may do what no good one would."""

import json
import select
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from types import TracebackType
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.support.raw_http import RawHttp, head

SEPARATOR = "\x1e"
WAIT_SECONDS = 10
QUIET_SECONDS = 0.3  # without an answer: a poll is held


def path(sid: str | None = None, transport: str = "polling") -> str:
    return f"/socket.io/?EIO=4&transport={transport}" + (f"&sid={sid}" if sid else "")


class Polling:
    """One session of the polling transport. `packets` keeps all that came; pings are not answered.

    `with` closes it: one that is left open counts among the gateway's connections until its ping runs out.
    """

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.packets: list[str] = []
        self._resources = ExitStack()
        client = httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS)
        self._client = self._resources.enter_context(client)
        opened = self._client.get(path())
        assert opened.status_code == 200, opened.text
        self.handshake: dict[str, Any] = json.loads(opened.text.removeprefix("0"))
        self.sid: str = self.handshake["sid"]
        self._ids = 0

    def __enter__(self) -> "Polling":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(httpx.HTTPError):
            self.post("1", timeout=1)
        self._resources.close()

    def get(self) -> httpx.Response:
        answer = self._client.get(path(self.sid))
        if answer.status_code == 200:
            self.packets += answer.text.split(SEPARATOR)
        return answer

    def post(self, *packets: str, **options: Any) -> httpx.Response:
        return self._client.post(path(self.sid), content=SEPARATOR.join(packets).encode(), **options)

    def let_in(self, token: str | None = None) -> "Polling":
        """Send CONNECT and wait for its answer, which must be that it is let in."""
        assert self.post("40" + (json.dumps({"token": token}) if token else "")).text == "ok"
        self.wait_for_start("40{")
        return self

    def join(self, project_id: str, since: int | None = None) -> dict[str, Any]:
        """Join a project: the data of the ack."""
        data = {"projectId": project_id} if since is None else {"projectId": project_id, "since": since}
        joined: dict[str, Any] = self.emit("project:join", data)
        return joined

    def emit(self, event: str, data: object) -> Any:
        """What the ack brings."""
        self._ids += 1
        assert self.post(f"42{self._ids}{json.dumps([event, data])}").text == "ok"
        found = self.wait_for_start(f"43{self._ids}[")
        return json.loads(found.removeprefix(f"43{self._ids}"))[0]

    def wait_for(self, wanted: Callable[[str], bool]) -> str:
        """The first packet, of all that came, for which `wanted` holds; polls until it has come."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := [packet for packet in self.packets if wanted(packet)]):
            assert time.monotonic() < deadline, f"waited in vain; so far: {self.packets}"
            answer = self.get()
            assert answer.status_code == 200, answer.text
        return found[0]

    def wait_for_start(self, start: str) -> str:
        """The first packet, of all that came, that begins so."""
        return self.wait_for(lambda packet: packet.startswith(start))

    def wait_for_seq(self, seq: int) -> None:
        self.wait_for(lambda _: seq in self.seqs())

    def seqs(self) -> list[int]:
        """The events of the log that came, in the order in which they did."""
        found = [json.loads(packet[2:])[1] for packet in self.packets if packet.startswith("42[")]
        return [payload["seq"] for payload in found if "seq" in payload]

    def begin_poll(self) -> RawHttp:
        """A poll that the gateway holds; closing it breaks it off. What was queued is read before."""
        while True:
            poll = RawHttp(self.url, WAIT_SECONDS)
            poll.send(head("GET", path(self.sid), poll.host))
            answered, _, _ = select.select([poll.socket], [], [], QUIET_SECONDS)
            if not answered:
                self._resources.callback(poll.socket.close)
                return poll
            with poll:
                answer = poll.answer()
            assert answer.status == 200, answer
            self.packets += answer.body.decode().split(SEPARATOR)

    def upgrade(self) -> ClientConnection:
        """A WebSocket beside the session; the probe is still to be sent."""
        return self._resources.enter_context(websocket(self.url, self.sid))


def websocket(url: str, sid: str | None = None, **headers: str) -> AbstractContextManager[ClientConnection]:
    """A WebSocket of Engine.IO: of a session that is there, or else of a new one, its handshake unread."""
    address = url.replace("http", "ws", 1) + path(sid, "websocket")
    return connect(
        address,
        additional_headers=headers,
        proxy=None,
        open_timeout=WAIT_SECONDS,
        close_timeout=1,
        ping_interval=None,
    )
