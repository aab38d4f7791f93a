"""The real socket.io-client, in a Node process of its own."""

import json
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.support.processes import ROOT

Fact = dict[str, Any]
WAIT_SECONDS = 10
LEAVE_SECONDS = 2


class SocketIOClient:
    """One client. `facts` is all that it told: connect, disconnect, refused, event, ack."""

    def __init__(
        self, url: str, transports: str, token: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        script = "tests/support/socketio_client.mjs"
        self._process = subprocess.Popen(
            ["node", script, url, transports, token or "", json.dumps(headers or {})],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts: list[Fact] = []
        self._unread: deque[Fact] = deque()
        self._lines: queue.Queue[Fact] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> "SocketIOClient":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave in order: the gateway would notice one that is killed only after Engine.IO's ping timeout."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._reading.join(LEAVE_SECONDS)
        self._process.stdout.close()

    def emit(self, event: str, data: object) -> Any:
        """What the ack brings."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"event": event, "data": data}) + "\n")
        self._process.stdin.flush()
        return self.wait_for("ack", lambda fact: fact["event"] == event)["answer"]

    def event(self, name: str) -> Any:
        """The payload of the next event of that name."""
        return self.wait_for("event", lambda fact: fact["event"] == name)["payload"]

    def wait_for(self, kind: str, wanted: Callable[[Fact], bool] = lambda _: True) -> Fact:
        """The first unread or coming fact of that kind for which `wanted` holds."""
        for fact in self._unread:
            if fact["is"] == kind and wanted(fact):
                self._unread.remove(fact)
                return fact
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                fact = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"waited in vain for {kind}; told so far: {self.facts[-10:]}") from None
            self.facts.append(fact)
            if fact["is"] == kind and wanted(fact):
                return fact
            self._unread.append(fact)

    def seqs(self) -> list[int]:
        return [f["payload"]["seq"] for f in self.facts if f["is"] == "event" and "seq" in f["payload"]]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
