"""A WebSocket client for tests: frames as dictionaries, and waits that end with what was seen instead."""

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.support.api import bearer

Frame = dict[str, Any]
WAIT_SECONDS = 5


class Socket:
    """One connection. Frames that no wait has asked for stay in `unread`, in order; `frames` keeps all."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
    ) -> None:
        self._resources = ExitStack()
        opening = connect(
            url,
            additional_headers=bearer(token, **(headers or {})),
            origin=Origin(origin) if origin else None,
            subprotocols=[Subprotocol(name) for name in subprotocols] if subprotocols else None,
            open_timeout=WAIT_SECONDS,
            close_timeout=1,
            max_size=None,
            ping_interval=None,  # one that a test does not read would hear no pong, and close
            proxy=None,
        )
        self.connection: ClientConnection = self._resources.enter_context(opening)
        self.frames: list[Frame] = []
        self.unread: deque[Frame] = deque()
        self._last_id = 0

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, event: str, data: object = None, id: int | str | None = None) -> None:
        frame: Frame = {"event": event, "data": {} if data is None else data}
        self.send_raw(json.dumps(frame if id is None else {"id": id, **frame}))

    def send_raw(self, text: str | bytes) -> None:
        """Any text or binary frame, well-formed or not."""
        self.connection.send(text)

    def request(self, event: str, data: object = None, seconds: float = WAIT_SECONDS) -> Frame:
        """Send with a fresh id; the one `ack` or `error` frame that answers it."""
        self._last_id += 1
        self.send(event, data, id=self._last_id)
        return self.wait_for(lambda frame: frame.get("id") == self._last_id, seconds)

    def join(self, project_id: str, since: int | None = None) -> Frame:
        """Join a project and return the data of the ack; an AssertionError on an error."""
        data: Frame = (
            {"projectId": project_id} if since is None else {"projectId": project_id, "since": since}
        )
        answer = self.request("project:join", data)
        assert answer["event"] == "ack", f"expected an ack to project:join, got {answer}"
        joined: Frame = answer["data"]
        return joined

    def wait_for(self, wanted: str | Callable[[Frame], bool], seconds: float = WAIT_SECONDS) -> Frame:
        """The first unread or coming frame of this event's name, or for which `wanted` holds."""
        matches = wanted if callable(wanted) else lambda frame: frame["event"] == wanted
        for frame in self.unread:
            if matches(frame):
                self.unread.remove(frame)
                return frame
        deadline = time.monotonic() + seconds
        while True:
            frame = self._receive(deadline, wanted)
            if matches(frame):
                return frame
            self.unread.append(frame)

    def next(self, seconds: float = WAIT_SECONDS) -> Frame:
        """The next frame, whatever it is."""
        return (
            self.unread.popleft() if self.unread else self._receive(time.monotonic() + seconds, "any frame")
        )

    def wait_for_seq(self, seq: int, seconds: float = WAIT_SECONDS) -> Frame:
        """The event of the log with this number."""
        return self.wait_for(lambda frame: frame.get("seq") == seq, seconds)

    def seqs(self) -> list[int]:
        """The numbers of the log's events received so far, in the order of arrival, doubles included."""
        return [frame["seq"] for frame in self.frames if "seq" in frame]

    def wait_closed(self, seconds: float = WAIT_SECONDS) -> int:
        """Read on until the server closes; its close code."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.unread.append(self._read(deadline))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            raise AssertionError(f"not closed within {seconds:g} s; {self._seen()}") from None

    def close(self) -> None:
        self._resources.close()

    def _receive(self, deadline: float, wanted: object) -> Frame:
        try:
            return self._read(deadline)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {wanted}; {self._seen()}") from None
        except ConnectionClosed as closed:
            raise AssertionError(f"closed ({closed}) while waiting for {wanted}; {self._seen()}") from closed

    def _read(self, deadline: float) -> Frame:
        text = self.connection.recv(timeout=max(0, deadline - time.monotonic()))
        frame: Frame = json.loads(text)
        self.frames.append(frame)
        return frame

    def _seen(self) -> str:
        last = "\n  ".join(json.dumps(frame)[:300] for frame in self.frames[-10:])
        return f"{len(self.frames)} frames so far, the last ones:\n  {last}"
